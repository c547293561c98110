import { OAuthClientMetadataSchema } from "@modelcontextprotocol/sdk/shared/auth.js";
import { z } from "zod";
import { OAuthError } from "../oauth-error.ts";
import { isLoopbackRedirect, redirectUriFault } from "../redirect-uri.ts";
import {
  ASSERTION_ALGORITHMS,
  AUTHENTICATION_METHODS,
  type Client,
  type ClientAuthentication,
} from "./client.ts";
import { documentUrlFault } from "./document-url.ts";
import { keySet } from "./key-set.ts";

const MAX_REDIRECT_URIS = 20;
/** Characters of all redirect URIs together: a property of an entity holds 64 KiB, which is 32 Ki characters. */
const MAX_REDIRECT_URIS_LENGTH = 16_384;
const MAX_NAME_LENGTH = 200;
const MAX_CLIENT_URI_LENGTH = 2_048;

/** A secret is not in the metadata: who takes them decides on it. */
export type RequestedAuthentication =
  | Exclude<ClientAuthentication, { secretHash: string }>
  | { readonly method: "client_secret_basic" | "client_secret_post" };

/** What a client says about itself, checked. */
export interface ClientMetadata extends Pick<Client, "uri" | "redirectUris"> {
  /** Undefined where it gives none to show. */
  readonly name: string | undefined;
  readonly applicationType: "web" | "native" | undefined;
  readonly authentication: RequestedAuthentication;
}

const metadataSchema = OAuthClientMetadataSchema.extend({
  // OpenID Connect Registration §2 makes an absent one `web`; to the native clients of MCP that leave it out
  // that would forbid loopback. It is neither.
  application_type: z.enum(["web", "native"]).optional(),
  // RFC 7591 §2 makes an absent one `client_secret_basic`. Clients that leave it out come without a secret as
  // often as not, and every client must read what holds (§3.2.1): docs/adr/0008.
  token_endpoint_auth_method: z.enum(AUTHENTICATION_METHODS).default("none"),
  token_endpoint_auth_signing_alg: z.enum(ASSERTION_ALGORITHMS).optional(),
  jwks: z.unknown().optional(),
  jwks_uri: z.string().optional(),
});

/**
 * Checks metadata as a registration, a metadata document or the configuration has it (RFC 7591 §2). Scope and
 * grant_types are clients' guesses: they restrict nothing.
 *
 * @throws OAuthError `invalid_client_metadata` or `invalid_redirect_uri` (RFC 7591 §3.2.2)
 */
export function parseClientMetadata(body: unknown): ClientMetadata {
  const parsed = metadataSchema.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.path.join(".") ?? "";
    throw new OAuthError(
      issue?.path[0] === "redirect_uris" ? "invalid_redirect_uri" : "invalid_client_metadata",
      `${field === "" ? "The metadata" : field}: ${issue?.message ?? "is not valid"}`,
    );
  }
  const { client_name, client_uri, redirect_uris, application_type } = parsed.data;
  checkLength("client_name", client_name, MAX_NAME_LENGTH);
  checkLength("client_uri", client_uri, MAX_CLIENT_URI_LENGTH);
  checkResponseTypes(parsed.data.response_types);
  checkRedirectUris(redirect_uris, application_type);
  return {
    name: client_name?.trim() || undefined,
    uri: client_uri,
    redirectUris: redirect_uris,
    applicationType: application_type,
    authentication: requestedAuthentication(parsed.data),
  };
}

function checkLength(field: string, text: string | undefined, max: number): void {
  if (text !== undefined && text.length > max) {
    throw new OAuthError("invalid_client_metadata", `${field}: may have ${max} characters`);
  }
}

/** RFC 7591 §2: response_types that leave out the only one there is cannot be served. */
function checkResponseTypes(types: readonly string[] | undefined): void {
  if (types !== undefined && !types.includes("code")) {
    throw new OAuthError("invalid_client_metadata", "response_types: must include code");
  }
}

function checkRedirectUris(
  uris: readonly string[],
  applicationType: ClientMetadata["applicationType"],
): void {
  if (uris.length === 0 || uris.length > MAX_REDIRECT_URIS) {
    throw invalidRedirect(`give 1 to ${MAX_REDIRECT_URIS} of them`);
  }
  if (uris.join("").length > MAX_REDIRECT_URIS_LENGTH) {
    throw invalidRedirect(`may have ${MAX_REDIRECT_URIS_LENGTH} characters together`);
  }
  for (const [index, uri] of uris.entries()) {
    const fault = redirectUriFault(uri) ?? (applicationType === "web" ? webFault(uri) : undefined);
    if (fault !== undefined) throw invalidRedirect(fault, index);
  }
}

/** OpenID Connect Registration §2, `application_type`: a web client is on a server, not on this machine. */
function webFault(uri: string): string | undefined {
  const { protocol, hostname } = new URL(uri);
  if (protocol !== "https:") return "a web client has https redirect URIs only";
  return isLoopbackRedirect(`http://${hostname}/`)
    ? "a web client has no loopback redirect URI"
    : undefined;
}

function invalidRedirect(fault: string, index?: number): OAuthError {
  const field = index === undefined ? "redirect_uris" : `redirect_uris.${index}`;
  return new OAuthError("invalid_redirect_uri", `${field}: ${fault}`);
}

function requestedAuthentication(
  metadata: z.infer<typeof metadataSchema>,
): RequestedAuthentication {
  const method = metadata.token_endpoint_auth_method;
  if (method !== "private_key_jwt") return { method };
  const algorithm = metadata.token_endpoint_auth_signing_alg;
  const { jwks, jwks_uri: jwksUri } = metadata;
  // RFC 7591 §2: one or the other.
  if ((jwks === undefined) === (jwksUri === undefined)) {
    throw new OAuthError(
      "invalid_client_metadata",
      "private_key_jwt: give either jwks or jwks_uri",
    );
  }
  if (jwksUri !== undefined) {
    const fault = documentUrlFault(jwksUri);
    if (fault !== undefined) {
      throw new OAuthError("invalid_client_metadata", `jwks_uri: ${fault}`);
    }
    return { method, algorithm, keys: { jwksUri } };
  }
  const keys = keySet.safeParse(jwks);
  if (!keys.success) {
    throw new OAuthError("invalid_client_metadata", "jwks: is not a set of public keys");
  }
  return { method, algorithm, keys: { jwks: keys.data } };
}
