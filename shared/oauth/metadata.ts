import type {
  OAuthMetadata,
  OAuthProtectedResourceMetadata,
  OpenIdProviderDiscoveryMetadata,
} from "@modelcontextprotocol/sdk/shared/auth.js";
import { branding } from "../branding.ts";
import type { Handler } from "../http/context.ts";
import { HttpError } from "../http/errors.ts";
import { ASSERTION_ALGORITHMS, AUTHENTICATION_METHODS } from "./clients/client.ts";
import type { Keyring } from "../keys/keyring.ts";
import { SIGNING_ALGORITHM } from "../keys/signing-key.ts";
import { RESOURCE_PATHS, type Resources } from "./resources.ts";
import { SCOPES } from "./scopes.ts";

/** Public documents that change with a release: an hour is short enough for one, and spares the server. */
const CACHEABLE = { "Cache-Control": "public, max-age=3600" };

/** `GET /.well-known/oauth-authorization-server` (RFC 8414). */
export function authorizationServerHandler({ issuer }: { issuer: string }): Handler {
  return async () => Response.json(authorizationServerMetadata(issuer), { headers: CACHEABLE });
}

/**
 * `GET /.well-known/openid-configuration`: the same, with what the schema of OpenID Connect discovery makes
 * mandatory. Some clients look here first; there is no ID token.
 */
export function openIdConfigurationHandler({ issuer }: { issuer: string }): Handler {
  const document: OpenIdProviderDiscoveryMetadata = {
    ...authorizationServerMetadata(issuer),
    jwks_uri: jwksUri(issuer),
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [SIGNING_ALGORITHM],
  };
  return async () => Response.json(document, { headers: CACHEABLE });
}

/** `GET /.well-known/oauth-protected-resource[/sse|/mcp]` (RFC 9728): one document a resource. */
export function protectedResourceHandler(deps: { resources: Resources; issuer: string }): Handler {
  return async (request) => {
    const pathname = new URL(request.url).pathname.replace(/\/$/, "");
    const path = RESOURCE_PATHS.find((candidate) =>
      deps.resources.metadataUrl(candidate).endsWith(pathname),
    );
    if (path === undefined) throw new HttpError(404, "There is no such resource here.");
    const document: OAuthProtectedResourceMetadata = {
      resource: deps.resources.of(path),
      authorization_servers: [deps.issuer],
      scopes_supported: [...SCOPES],
      bearer_methods_supported: ["header"],
      resource_name: branding.productName,
    };
    return Response.json(document, { headers: CACHEABLE });
  };
}

/**
 * `GET /.well-known/jwks.json` (RFC 7517 §5): the keys that access tokens are signed with, and the next one.
 * May be cached for much less time than a key is published before it signs (`keys/key-schedule.ts`).
 */
export function jwksHandler({ keyring }: { keyring: Keyring }): Handler {
  return async () =>
    Response.json(
      { keys: await keyring.publicKeys() },
      { headers: { "Cache-Control": "public, max-age=300" } },
    );
}

/** Only what works is announced: clients use what they see at once. */
function authorizationServerMetadata(issuer: string): OAuthMetadata {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    jwks_uri: jwksUri(issuer),
    scopes_supported: [...SCOPES],
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: ["authorization_code", "refresh_token"],
    token_endpoint_auth_methods_supported: [...AUTHENTICATION_METHODS],
    token_endpoint_auth_signing_alg_values_supported: [...ASSERTION_ALGORITHMS],
    client_id_metadata_document_supported: true,
    // RFC 8414 §2, RFC 7009
    revocation_endpoint: `${issuer}/revoke`,
    revocation_endpoint_auth_methods_supported: [...AUTHENTICATION_METHODS],
    revocation_endpoint_auth_signing_alg_values_supported: [...ASSERTION_ALGORITHMS],
    code_challenge_methods_supported: ["S256"],
    // RFC 9207
    authorization_response_iss_parameter_supported: true,
  };
}

function jwksUri(issuer: string): string {
  return `${issuer}/.well-known/jwks.json`;
}
