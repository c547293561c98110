import { AadError, errorBody } from "./aad-error.ts";
import { parseClaims } from "./claims.ts";
import { authenticateClient } from "./client-authentication.ts";
import { redeemClientCredentials } from "./client-credentials.ts";
import { redeemCode } from "./code-grant.ts";
import { findAccount, findTenant } from "./directory.ts";
import type { Application } from "./directory.ts";
import { personFault } from "./faults.ts";
import type { Stage } from "./faults.ts";
import { issueTokens } from "./issue-tokens.ts";
import { redeemRefreshToken } from "./refresh-grant.ts";
import type { Redeemed } from "./redeemed.ts";
import { parseScopes } from "./scopes.ts";
import { formOf } from "./stand-in.ts";
import type { Call, StandIn } from "./stand-in.ts";

/** From the request of an authenticated client to the token answer. */
type GrantType = (standIn: StandIn, call: Call, application: Application) => Promise<object>;

const GRANT_TYPES: ReadonlyMap<string, GrantType> = new Map([
  ["authorization_code", ofPerson("code", redeemCode)],
  ["refresh_token", ofPerson("refresh", redeemRefreshToken)],
  ["client_credentials", redeemClientCredentials],
]);

/**
 * `POST /{tenant}/oauth2/v2.0/token`: redeems a code, a refresh token, or an application's own credentials.
 *
 * @returns the tokens, or Entra's error JSON
 */
export async function token(standIn: StandIn, call: Call): Promise<Response> {
  try {
    const tokens = await grantTokens(standIn, call);
    return Response.json(tokens, { headers: NO_STORE });
  } catch (error) {
    if (!(error instanceof AadError)) {
      throw error;
    }
    const body = errorBody(error, standIn.base, standIn.now(), call.correlationId);
    const { retryAfterSeconds } = standIn.switches.current();
    const retryAfter = error.entry.status === 503 && { "retry-after": String(retryAfterSeconds) };
    return Response.json(body, {
      status: error.entry.status,
      headers: { ...NO_STORE, ...retryAfter },
    });
  }
}

const NO_STORE = { "cache-control": "no-store, no-cache", pragma: "no-cache" };

async function grantTokens(standIn: StandIn, call: Call) {
  const form = formOf(call);
  if (!findTenant(call.params["tenant"] ?? "")) {
    throw new AadError(90002, { tenant: call.params["tenant"] ?? "" });
  }
  const grantType = requireGrantType(form);
  const application = await authenticateClient(standIn, call);
  failOnDemand(standIn);
  // Entra's v2.0 endpoint takes scopes; the `resource` of an MCP client matches none of them.
  if (form.has("resource")) {
    throw new AadError(9010010);
  }
  return grantType(standIn, call, application);
}

/** The grants that stand for a person who signed in; they differ in what is redeemed. */
function ofPerson(
  stage: Stage,
  redeem: (standIn: StandIn, call: Call, application: Application) => Promise<Redeemed>,
): GrantType {
  return async (standIn, call, application) => {
    const form = formOf(call);
    const redeemed = await redeem(standIn, call, application);
    checkTenant(call, redeemed);
    const { account, serial } = redeemed.grant;
    const fault = personFault(standIn.switches, stage, account, serial);
    if (fault) {
      throw fault;
    }
    const scopes = parseScopes(form.get("scope") ?? redeemed.grant.scope);
    if (standIn.consents.missing(account, scopes.graph).length > 0) {
      throw new AadError(65001);
    }
    const { capabilities } = parseClaims(form.get("claims") ?? undefined);
    redeemed.commit();
    return issueTokens(standIn, redeemed, scopes, {
      capabilities,
      clientInfo: redeemed.clientInfo || form.get("client_info") === "1",
    });
  };
}

function requireGrantType(form: URLSearchParams): GrantType {
  const name = form.get("grant_type");
  if (!name) {
    throw new AadError(90014, { detail: "grant_type" });
  }
  const grantType = GRANT_TYPES.get(name);
  if (!grantType) {
    throw new AadError(70003, { detail: name });
  }
  return grantType;
}

/** The switch `tokenFault`. */
function failOnDemand(standIn: StandIn): void {
  const { tokenFault } = standIn.switches.current();
  if (tokenFault !== null) {
    throw new AadError(tokenFault);
  }
}

function checkTenant(call: Call, redeemed: Redeemed): void {
  const tenant = findTenant(call.params["tenant"] ?? "");
  const home = findAccount(redeemed.grant.account)?.tenant;
  if (tenant !== "any" && tenant?.id !== home?.id) {
    throw new AadError(700005);
  }
}
