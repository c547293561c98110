import { AadError, errorBody } from "./aad-error.ts";
import { findTenant } from "./directory.ts";
import type { Call, StandIn } from "./stand-in.ts";

/**
 * `GET /{tenant}/v2.0/.well-known/openid-configuration`, in Entra's shape: for `organizations` and `common` the
 * issuer is a template with `{tenantid}`, which a client has to fill from the token. AADSTS90002 for an unknown tenant.
 */
export async function openidConfiguration(standIn: StandIn, call: Call): Promise<Response> {
  const segment = call.params["tenant"] ?? "";
  const tenant = findTenant(segment);
  if (!tenant) {
    const error = new AadError(90002, { tenant: segment });
    const body = errorBody(error, standIn.base, standIn.now(), call.correlationId);
    return Response.json(body, { status: error.entry.status });
  }
  const issuerTenant = tenant === "any" ? "{tenantid}" : tenant.id;
  const root = `${standIn.base}/${tenant === "any" ? segment.toLowerCase() : tenant.id}`;
  return Response.json({
    token_endpoint: `${root}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: [
      "client_secret_post",
      "private_key_jwt",
      "client_secret_basic",
    ],
    jwks_uri: `${root}/discovery/v2.0/keys`,
    response_modes_supported: ["query", "fragment", "form_post"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    response_types_supported: ["code"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    issuer: `${standIn.base}/${issuerTenant}/v2.0`,
    request_uri_parameter_supported: false,
    authorization_endpoint: `${root}/oauth2/v2.0/authorize`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${root}/oauth2/v2.0/logout`,
    claims_supported: CLAIMS,
    tenant_region_scope: tenant === "any" ? null : "EU",
    cloud_instance_name: "localhost",
    msgraph_host: new URL(standIn.base).host,
  });
}

const CLAIMS = [
  "sub",
  "iss",
  "aud",
  "exp",
  "iat",
  "nonce",
  "preferred_username",
  "name",
  "tid",
  "ver",
  "email",
];

/** `GET /{tenant}/discovery/v2.0/keys`: the public keys, each with the issuer it signs for. */
export async function jwks(standIn: StandIn): Promise<Response> {
  const issuer = `${standIn.base}/{tenantid}/v2.0`;
  return Response.json({ keys: standIn.keys.publicKeys.map((key) => ({ ...key, issuer })) });
}

/**
 * `GET /common/discovery/instance`: which hosts are one cloud. MSAL asks for it only where it was given neither
 * `knownAuthorities` nor `cloudDiscoveryMetadata`.
 */
export async function instanceDiscovery(standIn: StandIn, call: Call): Promise<Response> {
  const { host } = new URL(standIn.base);
  const asked = URL.parse(call.url.searchParams.get("authorization_endpoint") ?? "");
  const segment = asked?.pathname.split("/")[1] ?? "common";
  return Response.json({
    tenant_discovery_endpoint: `${standIn.base}/${segment}/v2.0/.well-known/openid-configuration`,
    "api-version": "1.1",
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
  });
}
