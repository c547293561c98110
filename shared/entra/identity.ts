import { z } from "zod";
import { EntraError, type Identity } from "./entra.ts";

const roles = z.array(z.string()).default([]);

/** Microsoft's own tenant for personal accounts: no organisation stands behind its people. */
const PERSONAL_ACCOUNTS = "9188040d-6c67-4c5b-b112-36a304b66dad";

/** The claims of an ID token that this server reads (v2.0 tokens). */
const idTokenClaims = z.object({
  aud: z.string(),
  iss: z.string(),
  tid: z.guid(),
  oid: z.guid(),
  nonce: z.string(),
  roles,
});

/** The tenants whose people may sign in, or any organisation. */
export type AllowedTenants = readonly string[] | "any";

export interface IdTokenExpectations {
  readonly clientId: string;
  readonly nonce: string;
  readonly issuerTemplate: string;
  readonly allowedTenants: AllowedTenants;
}

/**
 * Reads who signed in. The token came from Entra's token endpoint directly, so its origin is known by the
 * connection (OpenID Connect Core §3.1.3.7, 6); what it says is checked here.
 *
 * @throws EntraError `blocked` for a tenant that may not sign in, `configuration` for a token that was not
 *   made for this server or this sign-in.
 */
export function identityOf(claims: unknown, expected: IdTokenExpectations): Identity {
  const parsed = idTokenClaims.safeParse(claims);
  if (!parsed.success) {
    throw new EntraError("configuration", undefined, { cause: parsed.error });
  }
  const { aud, iss, tid, oid, nonce } = parsed.data;
  // A multi-tenant authority names its issuer with a placeholder; the token's own tenant fills it.
  const issuer = expected.issuerTemplate.replace("{tenantid}", tid);
  if (aud !== expected.clientId || iss !== issuer || nonce !== expected.nonce) {
    throw new EntraError("configuration", undefined, {
      cause: new Error("The ID token is for another client, issuer or sign-in"),
    });
  }
  const { allowedTenants } = expected;
  const allowed =
    allowedTenants === "any" ? tid !== PERSONAL_ACCOUNTS : allowedTenants.includes(tid);
  if (!allowed) {
    throw new EntraError("blocked", undefined, {
      cause: new Error(`Tenant ${tid} is not in ENTRA_ALLOWED_TENANTS`),
    });
  }
  return { tenantId: tid, objectId: oid, roles: parsed.data.roles };
}

/** @returns The app roles in an ID token. */
export function rolesOf(claims: unknown): readonly string[] {
  return z.object({ roles }).safeParse(claims).data?.roles ?? [];
}
