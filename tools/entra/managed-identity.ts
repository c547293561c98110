import { TOKEN_EXCHANGE_AUDIENCE } from "./client-authentication.ts";
import { HOME_TENANT, MANAGED_IDENTITY } from "./directory.ts";
import type { Call, StandIn } from "./stand-in.ts";

const TOKEN_TTL_SECONDS = 24 * 60 * 60;

/**
 * The only resources that the identity may have tokens for, and who issues them: the token that stands for a
 * secret is of version 2.0, Azure's own services still get version 1.0.
 */
const ISSUERS: ReadonlyMap<string, (base: string) => string> = new Map([
  [TOKEN_EXCHANGE_AUDIENCE, (base: string) => `${base}/${HOME_TENANT.id}/v2.0`],
  ["https://storage.azure.com", () => `https://sts.windows.net/${HOME_TENANT.id}/`],
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
  if (clientId.toLowerCase() !== MANAGED_IDENTITY.clientId) {
    return refusal(
      400,
      "No User Assigned or Delegated Managed Identity found for specified ClientId.",
    );
  }
  const resource = query.get("resource") ?? "";
  const issuer = ISSUERS.get(resource);
  if (issuer === undefined) {
    return refusal(400, `AADSTS500011: The resource principal named ${resource} was not found.`);
  }
  const now = Math.floor(standIn.now().getTime() / 1000);
  const assertion = await standIn.keys.sign("managedIdentity", {
    aud: resource,
    iss: issuer(standIn.base),
    iat: now,
    nbf: now,
    exp: now + TOKEN_TTL_SECONDS,
    azp: MANAGED_IDENTITY.clientId,
    oid: MANAGED_IDENTITY.principalId,
    sub: MANAGED_IDENTITY.principalId,
    tid: HOME_TENANT.id,
  });
  standIn.ledger.record({ kind: "client_assertion", account: null, value: assertion });
  return Response.json({
    access_token: assertion,
    client_id: clientId,
    expires_on: String(now + TOKEN_TTL_SECONDS),
    resource,
    token_type: "Bearer",
  });
}

function refusal(statusCode: number, message: string): Response {
  return Response.json({ statusCode, message }, { status: statusCode });
}
