import { TOKEN_EXCHANGE_AUDIENCE } from "./client-authentication.ts";
import { APPLICATION, HOME_TENANT, MANAGED_IDENTITY } from "./directory.ts";
import { issueAppToken } from "./issue-app-token.ts";
import { findServicePrincipal, PUBLISHER_IDENTITY } from "./service-principals.ts";
import type { ServicePrincipal } from "./service-principals.ts";
import type { Call, StandIn } from "./stand-in.ts";

const TOKEN_TTL_SECONDS = 24 * 60 * 60;

const IDENTITIES: readonly string[] = [MANAGED_IDENTITY.clientId, PUBLISHER_IDENTITY.clientId];

/** What Azure's storage and its monitoring call themselves. */
const STORAGE_AUDIENCE = "https://storage.azure.com";
const MONITOR_AUDIENCE = "https://monitor.azure.com";

/** The only resources that identities may have tokens for: the exchange, storage, monitoring, and our application. */
const RESOURCES: ReadonlyMap<
  string,
  (standIn: StandIn, identity: ServicePrincipal) => Promise<string>
> = new Map([
  [TOKEN_EXCHANGE_AUDIENCE, issueAssertion],
  [STORAGE_AUDIENCE, (standIn, identity) => issueAzureToken(standIn, identity, STORAGE_AUDIENCE)],
  [MONITOR_AUDIENCE, (standIn, identity) => issueAzureToken(standIn, identity, MONITOR_AUDIENCE)],
  [
    APPLICATION.clientId,
    (standIn, identity) => issueAppToken(standIn, identity, "assertion", TOKEN_TTL_SECONDS),
  ],
]);

/**
 * `GET /msi/token?resource=…&api-version=2019-08-01[&client_id=…]`: the managed-identity endpoint of App Service
 * (`IDENTITY_ENDPOINT`), so that the way without a secret can be walked locally, to Azurite's tables too. The header `X-IDENTITY-HEADER`
 * keeps out requests that a page or another service was tricked into (server-side request forgery).
 */
export async function managedIdentityToken(standIn: StandIn, call: Call): Promise<Response> {
  const query = call.url.searchParams;
  if (call.headers.get("x-identity-header") !== MANAGED_IDENTITY.identityHeader) {
    return refusal(401, "The X-IDENTITY-HEADER is missing or wrong.");
  }
  if (query.get("api-version") !== "2019-08-01") {
    return refusal(400, "The api-version is not supported; use 2019-08-01.");
  }
  const clientId = query.get("client_id") ?? MANAGED_IDENTITY.clientId;
  const identity = IDENTITIES.includes(clientId.toLowerCase())
    ? findServicePrincipal(clientId, HOME_TENANT)
    : undefined;
  if (!identity) {
    return refusal(
      400,
      "No User Assigned or Delegated Managed Identity found for specified ClientId.",
    );
  }
  const resource = query.get("resource") ?? "";
  const issue = RESOURCES.get(resource);
  if (!issue) {
    return refusal(400, `AADSTS500011: The resource principal named ${resource} was not found.`);
  }
  return Response.json({
    access_token: await issue(standIn, identity),
    client_id: clientId,
    expires_on: String(Math.floor(standIn.now().getTime() / 1000) + TOKEN_TTL_SECONDS),
    resource,
    token_type: "Bearer",
  });
}

/** A token to be exchanged: it proves at the token endpoint which identity its holder is, and is good for nothing else. */
function issueAssertion(standIn: StandIn, identity: ServicePrincipal): Promise<string> {
  const iss = `${standIn.base}/${identity.tenant.id}/v2.0`;
  return sign(standIn, identity, { aud: TOKEN_EXCHANGE_AUDIENCE, iss, ver: "2.0" });
}

/** A token for a service of Azure's, as Azurite takes it for tables: these still get tokens of version 1.0. */
function issueAzureToken(
  standIn: StandIn,
  identity: ServicePrincipal,
  aud: string,
): Promise<string> {
  const iss = `https://sts.windows.net/${identity.tenant.id}/`;
  return sign(standIn, identity, { aud, iss, ver: "1.0" });
}

async function sign(
  standIn: StandIn,
  identity: ServicePrincipal,
  claims: { aud: string; iss: string; ver: string },
): Promise<string> {
  const now = Math.floor(standIn.now().getTime() / 1000);
  const token = await standIn.keys.sign("managedIdentity", {
    ...claims,
    iat: now,
    nbf: now,
    exp: now + TOKEN_TTL_SECONDS,
    azp: identity.clientId,
    oid: identity.id,
    sub: identity.id,
    tid: identity.tenant.id,
  });
  standIn.ledger.record({ kind: "client_assertion", account: null, value: token });
  return token;
}

function refusal(statusCode: number, message: string): Response {
  return Response.json({ statusCode, message }, { status: statusCode });
}
