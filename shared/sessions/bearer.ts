import { LRUCache } from "lru-cache";
import { type Clock, epochSeconds } from "../clock.ts";
import { sha256 } from "../digest.ts";
import { OAuthError } from "../oauth/oauth-error.ts";
import type { ResourcePath, Resources } from "../oauth/resources.ts";
import { defaultScopes, formatScopes, type Scope } from "../oauth/scopes.ts";
import { StorageUnavailable } from "../storage/store.ts";
import { type AccessToken, type AccessTokens, TokenInvalid } from "./access-token.ts";
import { type Session, type Sessions, toSession } from "./sessions.ts";

/** How long a session counts as alive without asking storage again. */
const SESSION_CHECK_MS = 30_000;
/** The same while storage is away: an outage must not end the work of people who are signed in. */
const SESSION_CHECK_DURING_OUTAGE_MS = 300_000;

const REMEMBERED = 10_000;

/** Who calls, known by a valid token and a living session. */
export interface Caller {
  readonly session: Session;
  /** What this token allows; may be less than the session's grant. */
  readonly scopes: readonly Scope[];
}

/**
 * The bearer check of the MCP endpoints (RFC 6750). Every request passes it, also within a stream.
 * In steady state it costs neither a signature check nor a storage operation.
 */
export class BearerCheck {
  readonly #accessTokens: AccessTokens;
  readonly #sessions: Sessions;
  readonly #resources: Resources;
  readonly #clock: Clock;
  readonly #verified = new LRUCache<string, AccessToken>({ max: REMEMBERED });
  readonly #alive = new LRUCache<string, { session: Session; checkedAt: number }>({
    max: REMEMBERED,
  });

  #forgotten = 0;

  constructor(deps: {
    accessTokens: AccessTokens;
    sessions: Sessions;
    resources: Resources;
    clock: Clock;
  }) {
    this.#accessTokens = deps.accessTokens;
    this.#sessions = deps.sessions;
    this.#resources = deps.resources;
    this.#clock = deps.clock;
  }

  /**
   * @param resource The resource that is called; tokens for the server as a whole are good for it too.
   * @throws OAuthError `invalid_token` with the challenge that lets a client find its way in.
   */
  async check(request: Request, resource: ResourcePath): Promise<Caller> {
    const token = bearerToken(request);
    if (token === undefined) throw this.#challenge(resource);
    try {
      const audiences = [this.#resources.of(""), this.#resources.of(resource)];
      const accessToken = await this.#verify(token, audiences);
      const session = await this.#livingSession(accessToken);
      if (session === undefined) throw new TokenInvalid("The session has ended.");
      if (session.claims !== undefined) {
        throw new TokenInvalid("Microsoft Entra ID asks for a new sign-in.");
      }
      return { session, scopes: accessToken.scopes };
    } catch (error) {
      throw error instanceof TokenInvalid ? this.#challenge(resource, error) : error;
    }
  }

  /** Makes the next check of a session ask storage. */
  forget(sessionId: string): void {
    this.#alive.delete(sessionId);
    this.#forgotten++;
  }

  async #verify(token: string, audiences: readonly string[]): Promise<AccessToken> {
    const hash = sha256(token);
    const known = this.#verified.get(hash);
    if (
      known !== undefined &&
      known.expiresAtSeconds > epochSeconds(this.#clock) &&
      audiences.includes(known.audience)
    ) {
      return known;
    }
    const verified = await this.#accessTokens.verify(token, audiences);
    this.#verified.set(hash, verified);
    return verified;
  }

  async #livingSession(token: AccessToken): Promise<Session | undefined> {
    const known = this.#alive.get(token.sessionId);
    const now = this.#clock.now();
    const age = known === undefined ? Infinity : now - known.checkedAt;
    if (known !== undefined && age < SESSION_CHECK_MS) return known.session;
    const forgotten = this.#forgotten;
    try {
      const row = await this.#sessions.find(token.userKey, token.sessionId);
      if (row === undefined) {
        this.#alive.delete(token.sessionId);
        return undefined;
      }
      const session = toSession(row);
      // What was read before a session was forgotten must not bring it back.
      if (forgotten === this.#forgotten) {
        this.#alive.set(token.sessionId, { session, checkedAt: now });
      }
      return session;
    } catch (error) {
      const forgivable = error instanceof StorageUnavailable;
      if (forgivable && known !== undefined && age < SESSION_CHECK_DURING_OUTAGE_MS) {
        return known.session;
      }
      throw error;
    }
  }

  /** MCP authorization 2025-11-25: the challenge names the metadata and the scopes to ask for. */
  #challenge(resource: ResourcePath, reason?: TokenInvalid): OAuthError {
    const scopes = reason?.expiredScopes ?? defaultScopes(resource === "/sse");
    const parameters = [
      `resource_metadata="${this.#resources.metadataUrl(resource)}"`,
      `scope="${formatScopes(scopes)}"`,
      // RFC 6750 §3: no error code for a caller that brought no token.
      ...(reason === undefined
        ? []
        : [`error="invalid_token"`, `error_description="${reason.message}"`]),
    ];
    // The word of the status: an Inspector of the first line is behind a proxy of its own, and knows by that alone.
    const message = `Unauthorized. ${reason?.message ?? "Sign in to use this server."}`;
    return new OAuthError("invalid_token", message, {
      headers: { "WWW-Authenticate": `Bearer ${parameters.join(", ")}` },
      ...(reason !== undefined && { cause: reason }),
    });
  }
}

/** Only from the header: never from the query, which ends up in logs (OAuth 2.1 §5.1.1). */
function bearerToken(request: Request): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
}
