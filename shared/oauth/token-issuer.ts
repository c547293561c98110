import { z } from "zod";
import type { Clock } from "../clock.ts";
import { sha256 } from "../digest.ts";
import { open, seal } from "../keys/seal.ts";
import type { AccessTokens } from "../sessions/access-token.ts";
import type { RefreshTokens } from "../sessions/refresh-token.ts";
import { type SessionRow, type Sessions, toSession } from "../sessions/sessions.ts";
import { RowChanged } from "../storage/store.ts";
import { OAuthError } from "./oauth-error.ts";
import type { Resources } from "./resources.ts";
import { formatScopes, type Scope } from "./scopes.ts";

const tokenResponse = z.object({
  access_token: z.string(),
  token_type: z.literal("Bearer"),
  /** Seconds */
  expires_in: z.number(),
  refresh_token: z.string(),
  scope: z.string(),
});

/** A token answer (RFC 6749 §5.1). */
export type TokenResponse = z.infer<typeof tokenResponse>;

/** Longer than Entra is given to answer. */
export const LEASE_MS = 20_000;

export interface Rotation {
  /** The refresh token that is replaced. */
  readonly presented: string;
  /** Of the new access token. */
  readonly scopes: readonly Scope[];
  readonly audience: string;
  /** The roles that the person has now. */
  readonly roles: readonly string[];
}

/** Issues the tokens of a session, and writes down which refresh token is valid now. */
export class TokenIssuer {
  readonly #sessions: Sessions;
  readonly #accessTokens: AccessTokens;
  readonly #refreshTokens: RefreshTokens;
  readonly #clock: Clock;
  readonly #refreshIdleTtlMs: number;

  constructor(deps: {
    sessions: Sessions;
    accessTokens: AccessTokens;
    refreshTokens: RefreshTokens;
    clock: Clock;
    refreshIdleTtlSeconds: number;
  }) {
    this.#sessions = deps.sessions;
    this.#accessTokens = deps.accessTokens;
    this.#refreshTokens = deps.refreshTokens;
    this.#clock = deps.clock;
    this.#refreshIdleTtlMs = deps.refreshIdleTtlSeconds * 1000;
  }

  /**
   * The first tokens of a session.
   *
   * @throws RowChanged where the session has changed since it was read.
   */
  async first(row: SessionRow, audience: string): Promise<TokenResponse> {
    const answer = await this.#answer(row, toSession(row).scopes, audience);
    return this.#store(row, answer, {});
  }

  /**
   * Takes the right to rotate, for as long as asking Entra may take.
   *
   * @throws RowChanged where somebody else was faster.
   */
  async lease(row: SessionRow): Promise<SessionRow> {
    const value = { ...row.value, leaseUntil: this.#clock.now() + LEASE_MS };
    return { ...row, value, etag: await this.#sessions.table.replace(row, value) };
  }

  /** Gives the right back, unused. */
  async release(row: SessionRow): Promise<void> {
    await this.#sessions.table.replace(row, { ...row.value, leaseUntil: undefined });
  }

  /**
   * Replaces the refresh token. The answer is kept for a retry, sealed under the token that was presented:
   * only who has that token can read it.
   *
   * @throws RowChanged where the session has changed since it was read: somebody else has rotated.
   */
  async rotate(
    row: SessionRow,
    { presented, scopes, audience, roles }: Rotation,
  ): Promise<TokenResponse> {
    const answer = await this.#answer(row, scopes, audience);
    const text = JSON.stringify(answer);
    return this.#store(row, answer, {
      roles: JSON.stringify(roles),
      leaseUntil: undefined,
      previousHash: row.value.refreshHash,
      retryAnswer: await seal(keyOf(presented), "retry-answer", row.key.row, text),
      rotatedAt: this.#clock.now(),
    });
  }

  /** @returns The answer that {@link rotate} gave to the previous token. */
  async repeat(row: SessionRow, presented: string): Promise<TokenResponse> {
    const sealed = row.value.retryAnswer ?? "";
    const text = await open(() => keyOf(presented), "retry-answer", row.key.row, sealed);
    return tokenResponse.parse(JSON.parse(text));
  }

  /** Writes down the refresh token of `answer` as the one that is valid now. */
  async #store(
    row: SessionRow,
    answer: TokenResponse,
    changes: Partial<SessionRow["value"]>,
  ): Promise<TokenResponse> {
    const refreshHash = sha256(answer.refresh_token);
    try {
      await this.#sessions.table.replace(row, {
        ...row.value,
        ...changes,
        generation: row.value.generation + 1,
        refreshHash,
        idleUntil: this.#idleUntil(row),
        lastUsedAt: this.#clock.now(),
      });
    } catch (error) {
      if (!(error instanceof RowChanged)) throw error;
      // Our own write may have succeeded while its answer was lost.
      const now = await this.#sessions.table.get(row.key);
      if (now?.value.refreshHash !== refreshHash) throw error;
    }
    return answer;
  }

  async #answer(
    row: SessionRow,
    scopes: readonly Scope[],
    audience: string,
  ): Promise<TokenResponse> {
    const session = toSession(row);
    return {
      access_token: await this.#accessTokens.issue(session, scopes, audience),
      token_type: "Bearer",
      expires_in: this.#accessTokens.ttlSeconds,
      refresh_token: await this.#refreshTokens.make(
        session.userKey,
        session.id,
        row.value.generation + 1,
      ),
      scope: formatScopes(scopes),
    };
  }

  #idleUntil(row: SessionRow): number {
    return Math.min(this.#clock.now() + this.#refreshIdleTtlMs, row.value.endsAt);
  }
}

/**
 * The audience of a token request: that of the grant, or one resource of a grant for the whole server.
 *
 * @throws OAuthError `invalid_target` (RFC 8707 §2.2)
 */
export function requestedAudience(
  form: URLSearchParams,
  granted: string,
  resources: Resources,
): string {
  const requested = resources.parse(form) ?? granted;
  if (requested !== granted && granted !== resources.of("")) {
    throw new OAuthError("invalid_target", `This grant is for ${granted}.`);
  }
  return requested;
}

/** From the token itself, never from its hash: that stands in the same row, for every reader of the table. */
function keyOf(presented: string) {
  return { kid: "presented-token", secret: new TextEncoder().encode(presented) };
}
