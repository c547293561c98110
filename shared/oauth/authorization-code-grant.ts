import { verifyChallenge } from "pkce-challenge";
import type { RequestContext } from "../http/context.ts";
import type { Clock } from "../clock.ts";
import type { SessionEnd } from "../sessions/session-end.ts";
import type { SessionRow, Sessions } from "../sessions/sessions.ts";
import { RowChanged } from "../storage/store.ts";
import type { Client } from "./clients/client.ts";
import type { Clients } from "./clients/clients.ts";
import type { CodeRow, Codes } from "./codes.ts";
import { OAuthError } from "./oauth-error.ts";
import type { Resources } from "./resources.ts";
import { requestedAudience, type TokenIssuer, type TokenResponse } from "./token-issuer.ts";

export type AuthorizationCodeGrant = (
  form: URLSearchParams,
  client: Client,
  context: RequestContext,
) => Promise<TokenResponse>;

const CODE_INVALID = "The code is not valid, or not any more. Start the sign-in again.";

/** Redeems an authorization code (OAuth 2.1 §4.1.3). */
export function authorizationCodeGrant(deps: {
  clients: Clients;
  codes: Codes;
  sessions: Sessions;
  sessionEnd: SessionEnd;
  tokens: TokenIssuer;
  resources: Resources;
  clock: Clock;
}): AuthorizationCodeGrant {
  return async (form, client, { log }) => {
    const startedAt = deps.clock.now();
    const code = form.get("code");
    if (code === null) throw new OAuthError("invalid_request", "code is missing.");
    const verifier = checkVerifierSyntax(form);
    const found = await deps.codes.find(code);
    if (found === undefined) throw new OAuthError("invalid_grant", CODE_INVALID);
    checkBinding(form, client, found);
    await checkVerifier(verifier, found.value.codeChallenge);
    const audience = requestedAudience(form, found.value.resource, deps.resources);
    await deps.clients.keep(client.id);
    const session = await deps.sessions.find(found.value.userKey, found.value.sessionId);
    if (session === undefined) throw new OAuthError("invalid_grant", CODE_INVALID);
    await redeemOnce(found, session, startedAt);
    const answer = await firstTokens(session, audience);
    log.audit("token-issued", { outcome: "success", ...subject(found, client) });
    return answer;

    async function firstTokens(row: SessionRow, resource: string): Promise<TokenResponse> {
      try {
        return await deps.tokens.first(row, resource);
      } catch (cause) {
        // Another post of the same code was faster, or the session has been ended.
        if (!(cause instanceof RowChanged)) throw cause;
        throw new OAuthError("invalid_grant", CODE_INVALID, { cause });
      }
    }

    async function redeemOnce(
      row: CodeRow,
      codeSession: SessionRow,
      requestStartedAt: number,
    ): Promise<void> {
      const { redeemedAt, userKey, sessionId } = row.value;
      // Redeemed, but broken off before it gave anything: the client tries again, as it was told to.
      // Of several that do, the session's row lets one through.
      if (redeemedAt !== undefined && codeSession.value.generation === 0) return;
      if (redeemedAt !== undefined) {
        // OAuth 2.1 §4.1.3: who replays a code may have stolen it, and what it gave is revoked. A request
        // that was on its way before the code was redeemed is a double post, not a replay.
        if (requestStartedAt > redeemedAt) {
          await deps.sessionEnd.end(userKey, sessionId, { reason: "code-replayed", log });
          log.audit("code-replayed", { outcome: "denied", ...subject(row, client) });
        }
        throw new OAuthError("invalid_grant", CODE_INVALID);
      }
      try {
        await deps.codes.redeem(row);
      } catch (cause) {
        if (!(cause instanceof RowChanged)) throw cause;
        throw new OAuthError("invalid_grant", CODE_INVALID, { cause });
      }
    }
  };
}

/** RFC 7636 §4.1 */
function checkVerifierSyntax(form: URLSearchParams): string {
  const verifier = form.get("code_verifier");
  if (verifier === null) {
    throw new OAuthError("invalid_request", "code_verifier is missing (PKCE).");
  }
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) {
    throw new OAuthError(
      "invalid_request",
      "code_verifier must be 43 to 128 unreserved characters.",
    );
  }
  return verifier;
}

/**
 * RFC 6749 §4.1.3: the client and the redirect URI of the authorization request. OAuth 2.1 §4.1.3 has no
 * redirect URI here any more (PKCE does its work), so it may be missing, but not be another.
 */
function checkBinding(form: URLSearchParams, client: Client, { value }: CodeRow): void {
  if (value.clientId !== client.id) throw new OAuthError("invalid_grant", CODE_INVALID);
  const redirectUri = form.get("redirect_uri");
  if (redirectUri !== null && redirectUri !== value.redirectUri) {
    throw new OAuthError("invalid_grant", "redirect_uri is not that of the authorization request.");
  }
}

/** RFC 7636 §4.6 */
async function checkVerifier(verifier: string, challenge: string): Promise<void> {
  if (!(await verifyChallenge(verifier, challenge))) {
    throw new OAuthError("invalid_grant", "code_verifier does not fit the code_challenge.");
  }
}

function subject({ value }: CodeRow, client: Client) {
  return { actor: value.userKey, session: value.sessionId, client: client.id };
}
