import { readForm } from "../http/body.ts";
import type { Handler } from "../http/context.ts";
import { type AccessTokens, TokenInvalid } from "../sessions/access-token.ts";
import type { RefreshTokens } from "../sessions/refresh-token.ts";
import type { SessionEnd } from "../sessions/session-end.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { AuthenticateClient } from "./clients/client-authentication.ts";
import { OAuthError } from "./oauth-error.ts";
import { RESOURCE_PATHS, type Resources } from "./resources.ts";

/** The session that a token belongs to, and the client that it was issued to. */
interface TokenOwner {
  readonly userKey: string;
  readonly sessionId: string;
  /** Undefined where the session has ended: then nobody's is taken away. */
  readonly clientId: string | undefined;
}

/**
 * `POST /revoke` (RFC 7009): a client gives back a token, and with it the whole session. All tokens of a
 * session come from one grant, so none outlives another (§2.1).
 */
export function revokeHandler(deps: {
  authenticate: AuthenticateClient;
  refreshTokens: RefreshTokens;
  accessTokens: AccessTokens;
  sessions: Sessions;
  sessionEnd: SessionEnd;
  resources: Resources;
}): Handler {
  return async (request, context) => {
    const { log } = context;
    const form = await readForm(request);
    const client = await deps.authenticate(request, form, context);
    const token = form.get("token");
    if (token === null) {
      throw new OAuthError("invalid_request", "token is missing.");
    }
    const owner = await ownerOf(token);
    // §2.2: a token that is unknown or has ended is as good as revoked.
    if (owner === undefined) return revoked();
    const { userKey, sessionId } = owner;
    const subject = { actor: userKey, session: sessionId, client: client.id };
    // §2.1: a token of another client's is refused.
    if (owner.clientId !== undefined && owner.clientId !== client.id) {
      log.audit("token-revoked", { outcome: "denied", ...subject });
      throw new OAuthError("invalid_request", "The token was issued to another client.");
    }
    // Also where it has ended: an earlier attempt may have failed half-way.
    const existed = await deps.sessionEnd.end(userKey, sessionId, { reason: "revoked", log });
    if (existed) log.audit("token-revoked", { outcome: "success", ...subject });
    return revoked();
  };

  /** §2.1: the hint is only a hint. Our tokens show what they are, so it is not needed. */
  async function ownerOf(token: string): Promise<TokenOwner | undefined> {
    return (await ownerOfRefreshToken(token)) ?? (await ownerOfAccessToken(token));
  }

  /** Of any generation: a client whose token is out of date wants its session ended no less. */
  async function ownerOfRefreshToken(token: string): Promise<TokenOwner | undefined> {
    const read = await deps.refreshTokens.read(token);
    if (read === undefined) return undefined;
    const { userKey, sessionId } = read;
    const row = await deps.sessions.find(userKey, sessionId);
    return { userKey, sessionId, clientId: row?.value.clientId };
  }

  async function ownerOfAccessToken(token: string): Promise<TokenOwner | undefined> {
    try {
      const audiences = RESOURCE_PATHS.map((path) => deps.resources.of(path));
      return await deps.accessTokens.verify(token, audiences);
    } catch (error) {
      if (error instanceof TokenInvalid) return undefined;
      throw error;
    }
  }
}

function revoked(): Response {
  return new Response(null, { status: 200, headers: { "Cache-Control": "no-store" } });
}
