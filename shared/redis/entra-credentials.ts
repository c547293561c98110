import type { RedisClientOptions } from "@redis/client";
import { decodeJwt } from "jose";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { deadline, LATE } from "./deadline.ts";

type StreamingCredentials = Extract<
  RedisClientOptions["credentialsProvider"],
  { type: "streaming-credentials-provider" }
>;
type Listener = Parameters<StreamingCredentials["subscribe"]>[0];
type Subscribed = Awaited<ReturnType<StreamingCredentials["subscribe"]>>;

const SCOPE = "https://redis.azure.com/.default";

/** A new token is asked for when so much of the life of the one before is over, and at this interval then. */
const RENEWED_AFTER = 0.75;
const RETRY_MS = 60_000;

/** Before the connection gives up (`redis-connection.ts`): it would leave its renewals behind. */
const TOKEN_WITHIN_MS = 4_000;

/** Whoever has tokens for Azure: a `TokenCredential`. */
export interface TokenSource {
  getToken(scope: string): Promise<{ token: string; expiresOnTimestamp: number } | null>;
}

/**
 * Signs connections in to Azure Managed Redis: the name is the identity's object id, the password a token of
 * Entra. Redis breaks a connection whose token expires, so each is signed in again before that.
 */
export class EntraCredentials implements StreamingCredentials {
  readonly type = "streaming-credentials-provider";
  readonly #source: TokenSource;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(deps: { source: TokenSource; clock: Clock; log: Log }) {
    this.#source = deps.source;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /** @returns What a connection signs in with now. `listener` hears what it is to sign in with again. */
  async subscribe(listener: Listener): Promise<Subscribed> {
    const first = await this.#token();
    const ended = new AbortController();
    void this.#renew(first.renewAt, listener, ended.signal);
    return [first.credentials, { dispose: () => ended.abort() }];
  }

  /** The connection goes on with the token before, and is made anew when that has expired. */
  onReAuthenticationError(error: Error): void {
    this.#log.error("redis-sign-in-not-renewed", error);
  }

  async #renew(renewAt: number, listener: Listener, ended: AbortSignal): Promise<void> {
    let dueAt = renewAt;
    for (;;) {
      // In small steps: a timer of hours would be late on a machine that was frozen in between.
      await this.#clock.sleep(RETRY_MS);
      if (ended.aborted) return;
      if (this.#clock.now() < dueAt) continue;
      try {
        const next = await this.#token();
        dueAt = next.renewAt;
        listener.onNext(next.credentials);
      } catch (error) {
        this.#log.error("redis-token-not-renewed", error);
      }
    }
  }

  async #token() {
    const now = this.#clock.now();
    const answer = await deadline(this.#clock, TOKEN_WITHIN_MS)(this.#source.getToken(SCOPE));
    if (answer === null || answer === LATE) throw new Error("there is no token for Redis");
    const { token, expiresOnTimestamp } = answer;
    const { oid } = decodeJwt(token);
    if (typeof oid !== "string") throw new Error("the token for Redis names nobody");
    return {
      credentials: { username: oid, password: token },
      renewAt: now + (expiresOnTimestamp - now) * RENEWED_AFTER,
    };
  }
}
