import type { Clock } from "../clock.ts";
import type { RequestContext } from "../http/context.ts";
import type { RefreshToken, RefreshTokens } from "../sessions/refresh-token.ts";
import { type SessionRow, type Sessions, toSession } from "../sessions/sessions.ts";
import { RowChanged } from "../storage/store.ts";
import type { Client } from "./clients/client.ts";
import type { Clients } from "./clients/clients.ts";
import { OAuthError } from "./oauth-error.ts";
import type { Resources } from "./resources.ts";
import { parseScopes, type Scope } from "./scopes.ts";
import { requestedAudience, type TokenIssuer, type TokenResponse } from "./token-issuer.ts";

export type RefreshTokenGrant = (
  form: URLSearchParams,
  client: Client,
  context: RequestContext,
) => Promise<TokenResponse>;

/**
 * Claude refreshes from two addresses at once, and answers get lost: for so long the previous token gets
 * the answer again that it got before. After that it counts as stolen.
 */
const RETRY_WINDOW_MS = 60_000;

/** More instances than this never win against one request in a row. */
const ATTEMPTS = 5;

const REFRESH_INVALID = "The refresh token is not valid, or not any more. Sign in again.";

/** Exchanges a refresh token for new tokens and replaces it (OAuth 2.1 §4.3.1). */
export function refreshTokenGrant(deps: {
  clients: Clients;
  refreshTokens: RefreshTokens;
  sessions: Sessions;
  tokens: TokenIssuer;
  resources: Resources;
  clock: Clock;
}): RefreshTokenGrant {
  return async (form, client, context) => {
    const presented = form.get("refresh_token");
    if (presented === null) throw new OAuthError("invalid_request", "refresh_token is missing.");
    const token = await deps.refreshTokens.read(presented);
    if (token === undefined) throw new OAuthError("invalid_grant", REFRESH_INVALID);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        return await exchange(form, client, presented, token, context);
      } catch (error) {
        // Somebody else has rotated in between. Read again: the presented token is now the previous one.
        if (!(error instanceof RowChanged)) throw error;
      }
    }
    throw new OAuthError("temporarily_unavailable", "Too many refreshes at once. Try again.", {
      headers: { "Retry-After": "1" },
    });
  };

  async function exchange(
    form: URLSearchParams,
    client: Client,
    presented: string,
    token: RefreshToken,
    { log }: RequestContext,
  ): Promise<TokenResponse> {
    const row = await deps.sessions.find(token.userKey, token.sessionId);
    // RFC 6749 §6: bound to the client that it was issued to.
    if (row === undefined || row.value.clientId !== client.id) {
      throw new OAuthError("invalid_grant", REFRESH_INVALID);
    }
    const audience = requestedAudience(form, row.value.resource, deps.resources);
    const scopes = requestedScopes(form, toSession(row).scopes);
    if (token.hash === row.value.refreshHash) {
      await deps.clients.keep(client.id);
      const answer = await deps.tokens.rotate(row, presented, scopes, audience);
      log.audit("token-refreshed", { outcome: "success", ...subject(token, client) });
      return answer;
    }
    if (isRetry(row, token)) return deps.tokens.repeat(row, presented);
    // OAuth 2.1 §4.3.1: an old token can only come from a thief, or the thief has used it already.
    await deps.sessions.end(token.userKey, token.sessionId);
    log.audit("refresh-token-reused", {
      outcome: "denied",
      ...subject(token, client),
      generation: token.generation,
    });
    throw new OAuthError("invalid_grant", REFRESH_INVALID);
  }

  function isRetry({ value }: SessionRow, token: RefreshToken): boolean {
    return (
      token.hash === value.previousHash &&
      deps.clock.now() - (value.rotatedAt ?? 0) <= RETRY_WINDOW_MS
    );
  }
}

/** RFC 6749 §6: what was granted, or less. Names that are not ours are dropped, as at /authorize. */
function requestedScopes(form: URLSearchParams, granted: readonly Scope[]): readonly Scope[] {
  const text = form.get("scope");
  if (text === null || text === "") return granted;
  const asked = parseScopes(text);
  if (asked === undefined || asked.some((scope) => !granted.includes(scope))) {
    throw new OAuthError("invalid_scope", "scope goes beyond what was granted.");
  }
  return asked.length === 0 ? granted : asked;
}

function subject(token: RefreshToken, client: Client) {
  return { actor: token.userKey, session: token.sessionId, client: client.id };
}
