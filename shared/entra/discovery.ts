import { z } from "zod";
import { EntraError } from "./entra.ts";

const TIMEOUT_MS = 5_000;

/** The parts of an OpenID Connect discovery document that MSAL works with. */
const discoveryDocument = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  jwks_uri: z.url(),
});

/** How MSAL is told where an authority is, so that it looks nothing up by itself. */
export interface Authority {
  readonly authority: string;
  readonly knownAuthorities: string[];
  readonly authorityMetadata: string;
  /** As in ID tokens; of a multi-tenant authority with the placeholder `{tenantid}`. */
  readonly issuer: string;
}

/**
 * Reads the discovery document of a tenant. MSAL insists on an https authority: the name is given as https
 * whatever the scheme, and the endpoints come from the document, so that a local one works too.
 *
 * @throws EntraError `transient` when the document cannot be read.
 */
export async function discoverAuthority(
  authorityUrl: string,
  tenantId: string,
): Promise<Authority> {
  const url = `${authorityUrl}/${tenantId}/v2.0/.well-known/openid-configuration`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    const document = discoveryDocument.parse(await response.json());
    const { host } = new URL(authorityUrl);
    return {
      authority: `https://${host}/${tenantId}`,
      knownAuthorities: [host],
      authorityMetadata: JSON.stringify(document),
      issuer: document.issuer,
    };
  } catch (cause) {
    throw new EntraError("transient", undefined, { cause });
  }
}
