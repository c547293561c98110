import { createHash, randomBytes } from "node:crypto";
import { ACCOUNTS, APPLICATION, GRAPH_APP_ID } from "./directory.ts";
import type { Account } from "./directory.ts";
import { clientInfoOf } from "./client-info.ts";
import type { Redeemed } from "./redeemed.ts";
import { issueRefreshToken } from "./refresh-grant.ts";
import type { RequestedScopes } from "./scopes.ts";
import type { StandIn } from "./stand-in.ts";

/** Entra dates tokens back by five minutes, for clocks that are behind. */
const BACKDATED_SECONDS = 5 * 60;
const ID_TOKEN_TTL_SECONDS = 60 * 60;

/**
 * Issues what a redeemed grant gives: a Graph token always, an ID token for `openid`, a refresh token for
 * `offline_access`.
 *
 * @param scopes what is asked for now
 * @param options the client's capabilities (`cp1`), and whether it asked for `client_info`
 * @returns the token answer, in Entra's form
 */
export async function issueTokens(
  standIn: StandIn,
  redeemed: Redeemed,
  scopes: RequestedScopes,
  options: { capabilities: readonly string[]; clientInfo: boolean },
) {
  const account = ACCOUNTS[redeemed.grant.account];
  const lifetime = standIn.switches.current().accessTokenSeconds;
  const accessToken = await graphToken(standIn, redeemed, scopes, options.capabilities);
  const offline = scopes.oidc.includes("offline_access");
  const refreshToken = offline ? await issueRefreshToken(standIn, redeemed.grant) : undefined;
  const openid = scopes.oidc.includes("openid");
  const idToken = openid ? await makeIdToken(standIn, account, redeemed) : undefined;

  const tokens = { access_token: accessToken, refresh_token: refreshToken, id_token: idToken };
  for (const kind of ["access_token", "refresh_token", "id_token"] as const) {
    const value = tokens[kind];
    if (value !== undefined) {
      standIn.ledger.record({ kind, account: account.name, value });
    }
  }
  return {
    token_type: "Bearer",
    scope: scopes.granted,
    expires_in: lifetime,
    ext_expires_in: lifetime,
    ...tokens,
    ...(options.clientInfo && { client_info: clientInfoOf(account) }),
  };
}

/** A Graph token: `ver` 1.0 and an issuer of its own, so that it can never be taken for an ID token. */
function graphToken(
  standIn: StandIn,
  { grant }: Redeemed,
  scopes: RequestedScopes,
  capabilities: readonly string[],
): Promise<string> {
  const account = ACCOUNTS[grant.account];
  const now = Math.floor(standIn.now().getTime() / 1000);
  const signIn = scopes.oidc.filter((scope) => scope !== "offline_access");
  return standIn.keys.sign("tokens", {
    aud: GRAPH_APP_ID,
    iss: graphIssuer(standIn, account),
    iat: now - BACKDATED_SECONDS,
    nbf: now - BACKDATED_SECONDS,
    exp: now + standIn.switches.current().accessTokenSeconds,
    app_displayname: APPLICATION.name,
    appid: grant.clientId,
    idtyp: "user",
    name: account.profile.displayName,
    oid: account.profile.id,
    scp: [...scopes.graph, ...signIn].toSorted().join(" "),
    sub: pairwiseSubject(account, GRAPH_APP_ID),
    tid: account.tenant.id,
    upn: account.profile.userPrincipalName,
    uti: randomBytes(16).toString("base64url"),
    ver: "1.0",
    ...(capabilities.length > 0 && { xms_cc: capabilities }),
    // Ours: which sign-in this came from, for the switch `claimsChallenge`.
    stand_in: { serial: grant.serial, challengeMet: grant.challengeMet },
  });
}

/** The issuer of Graph tokens; the real one is `https://sts.windows.net/{tenant}/`. */
export function graphIssuer(standIn: Pick<StandIn, "base">, account: Account): string {
  return `${standIn.base}/${account.tenant.id}/`;
}

function makeIdToken(standIn: StandIn, account: Account, redeemed: Redeemed): Promise<string> {
  const now = Math.floor(standIn.now().getTime() / 1000);
  return standIn.keys.sign("tokens", {
    aud: redeemed.grant.clientId,
    iss: `${standIn.base}/${account.tenant.id}/v2.0`,
    iat: now - BACKDATED_SECONDS,
    nbf: now - BACKDATED_SECONDS,
    exp: now + ID_TOKEN_TTL_SECONDS,
    email: account.profile.mail,
    name: account.profile.displayName,
    ...(redeemed.nonce !== undefined && { nonce: redeemed.nonce }),
    oid: account.profile.id,
    preferred_username: account.profile.userPrincipalName,
    // As in Entra, the claim is absent, not empty, for people without a role.
    ...(account.roles.length > 0 && { roles: [...account.roles] }),
    sub: pairwiseSubject(account, redeemed.grant.clientId),
    tid: account.tenant.id,
    uti: randomBytes(16).toString("base64url"),
    ver: "2.0",
  });
}

/** `sub` is different for every application (OpenID Connect Core §8.1), which is why users are keyed on `oid`. */
function pairwiseSubject(account: Account, audience: string): string {
  return createHash("sha256").update(`${account.profile.id} ${audience}`).digest("base64url");
}
