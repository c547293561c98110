import type { Clock } from "../clock.ts";
import type { RequestContext } from "../http/context.ts";
import type { Log } from "../log.ts";
import type { RefreshToken, RefreshTokens } from "../sessions/refresh-token.ts";
import type { SessionEnd } from "../sessions/session-end.ts";
import { type SessionRow, type Sessions, toSession } from "../sessions/sessions.ts";
import { type SignIns, SignInOver } from "../sessions/sign-ins.ts";
import { RowChanged } from "../storage/store.ts";
import type { Client } from "./clients/client.ts";
import type { Clients } from "./clients/clients.ts";
import { OAuthError } from "./oauth-error.ts";
import type { Resources } from "./resources.ts";
import { grantedScopes, parseScopes, type Scope } from "./scopes.ts";
import {
  requestedAudience,
  type Rotation,
  type TokenIssuer,
  type TokenResponse,
} from "./token-issuer.ts";

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

/** How long a request waits for another one's answer: longer than that one's lease. */
const WAIT_MS = 22_000;
const POLL_MS = 100;

const REFRESH_INVALID = "The refresh token is not valid, or not any more. Sign in again.";

/**
 * Exchanges a refresh token for new tokens and replaces it (OAuth 2.1 §4.3.1). Of any number of requests with
 * one token, on any number of instances, one asks Entra and rotates; the others wait for its answer.
 */
export function refreshTokenGrant(deps: {
  clients: Clients;
  refreshTokens: RefreshTokens;
  sessions: Sessions;
  signIns: SignIns;
  sessionEnd: SessionEnd;
  tokens: TokenIssuer;
  resources: Resources;
  clock: Clock;
}): RefreshTokenGrant {
  return async (form, client, { log }) => {
    const presented = form.get("refresh_token");
    if (presented === null) throw new OAuthError("invalid_request", "refresh_token is missing.");
    const token = await deps.refreshTokens.read(presented);
    if (token === undefined) throw new OAuthError("invalid_grant", REFRESH_INVALID);
    for (let waited = 0; waited < WAIT_MS; waited += POLL_MS) {
      const row = await findSession(token, client);
      const audience = requestedAudience(form, row.value.resource, deps.resources);
      const scopes = requestedScopes(form, toSession(row).scopes);
      if (token.hash !== row.value.refreshHash)
        return answerOld(row, token, presented, client, log);
      const leased = await tryLease(row);
      if (leased !== undefined) {
        await deps.clients.keep(client.id);
        const roles = await confirm(leased);
        const answer = await tryRotate(leased, { presented, scopes, audience, roles });
        if (answer !== undefined) {
          log.audit("token-refreshed", { outcome: "success", ...subject(token, client) });
          return answer;
        }
      }
      await deps.clock.sleep(POLL_MS);
    }
    throw new OAuthError("temporarily_unavailable", "The refresh takes too long. Try again.", {
      headers: { "Retry-After": "1" },
    });
  };

  async function findSession(token: RefreshToken, client: Client): Promise<SessionRow> {
    const row = await deps.sessions.find(token.userKey, token.sessionId);
    // RFC 6749 §6: bound to the client that it was issued to.
    if (row === undefined || row.value.clientId !== client.id) {
      throw new OAuthError("invalid_grant", REFRESH_INVALID);
    }
    if (row.value.claims !== undefined) {
      throw new OAuthError("invalid_grant", "Microsoft Entra ID asks for a new sign-in.");
    }
    return row;
  }

  /** @returns undefined where another request is at it. */
  async function tryLease(row: SessionRow): Promise<SessionRow | undefined> {
    if (deps.clock.now() < (row.value.leaseUntil ?? 0)) return undefined;
    try {
      return await deps.tokens.lease(row);
    } catch (error) {
      if (error instanceof RowChanged) return undefined;
      throw error;
    }
  }

  /** @returns undefined where the session has changed meanwhile: ended, or rotated after the lease lapsed. */
  async function tryRotate(
    leased: SessionRow,
    rotation: Rotation,
  ): Promise<TokenResponse | undefined> {
    try {
      return await deps.tokens.rotate(leased, rotation);
    } catch (error) {
      if (error instanceof RowChanged) return undefined;
      throw error;
    }
  }

  /** A disabled person or a revoked sign-in ends here; an outage of Entra ends nothing. */
  async function confirm(leased: SessionRow): Promise<readonly string[]> {
    try {
      return await deps.signIns.confirm(toSession(leased));
    } catch (error) {
      if (error instanceof SignInOver) {
        throw new OAuthError("invalid_grant", `${error.message} Sign in again.`, { cause: error });
      }
      // Where this fails too, the lease lapses by itself.
      await deps.tokens.release(leased).catch(() => undefined);
      throw error;
    }
  }

  /** A token that has been replaced: a retry gets the answer again, anything else is reuse. */
  async function answerOld(
    row: SessionRow,
    token: RefreshToken,
    presented: string,
    client: Client,
    log: Log,
  ): Promise<TokenResponse> {
    if (isRetry(row, token)) return deps.tokens.repeat(row, presented);
    // OAuth 2.1 §4.3.1: an old token can only come from a thief, or the thief has used it already.
    const { userKey, sessionId } = token;
    await deps.sessionEnd.end(userKey, sessionId, { reason: "refresh-token-reused", log });
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
  if (text === null) return granted;
  const asked = parseScopes(text);
  if (asked === undefined || asked.some((scope) => !granted.includes(scope))) {
    throw new OAuthError("invalid_scope", "scope goes beyond what was granted.");
  }
  return asked.length === 0 ? granted : grantedScopes(asked);
}

function subject(token: RefreshToken, client: Client) {
  return { actor: token.userKey, session: token.sessionId, client: client.id };
}
