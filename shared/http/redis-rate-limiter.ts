import { createHmac } from "node:crypto";
import { RateLimiterRedis } from "rate-limiter-flexible";
import type { Clock } from "../clock.ts";
import type { Keyring } from "../keys/keyring.ts";
import { deriveKey } from "../keys/seal.ts";
import type { Log } from "../log.ts";
import { deadline, LATE } from "../redis/deadline.ts";
import type { Redis } from "../redis/redis.ts";
import { RedisUnavailable } from "../redis/redis-connection.ts";
import { type Limit, LimitCounters, MemoryRateLimiter, type RateLimiter } from "./rate-limiter.ts";

/** A request waits no longer to be counted by all than for both together. */
const NAMED_WITHIN_MS = 100;
const COUNTED_WITHIN_MS = 150;

/** The part of a Redis client that the limiter uses. */
type Evaluate = (
  script: string,
  options: { keys: string[]; arguments: string[] },
) => Promise<unknown>;

/** Counts in Redis, for all instances together. While it is away, each counts for itself. */
export class RedisRateLimiter implements RateLimiter {
  readonly #shared: LimitCounters;
  readonly #own: MemoryRateLimiter;
  readonly #keyring: Keyring;
  readonly #clock: Clock;
  readonly #log: Log;

  /** @param deps.factor Multiplies every limit. */
  constructor(deps: { factor: number; redis: Redis; keyring: Keyring; clock: Clock; log: Log }) {
    const evaluate: Evaluate = (script, options) =>
      deps.redis.commands.run(COUNTED_WITHIN_MS, (client) => client.eval(script, options));
    this.#shared = new LimitCounters(
      deps.factor,
      (options) =>
        new RateLimiterRedis({
          ...options,
          storeClient: { eval: evaluate },
          useRedisPackage: true,
        }),
    );
    this.#own = new MemoryRateLimiter(deps.factor);
    this.#keyring = deps.keyring;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  async take(limit: Limit, caller: string): Promise<number | undefined> {
    try {
      const key = await deadline(this.#clock, NAMED_WITHIN_MS)(this.#pseudonym(caller));
      if (key !== LATE) return await this.#shared.take(limit, key);
    } catch (error) {
      // That Redis is away is logged once, where it was noticed.
      if (!(error instanceof RedisUnavailable)) this.#log.error("limit-not-shared", error);
    }
    return this.#own.take(limit, caller);
  }

  /** An address is personal data: in Redis stands what only this installation can make of it. */
  async #pseudonym(caller: string): Promise<string> {
    const key = deriveKey(await this.#keyring.dataKey(), "rate-limit");
    return createHmac("sha256", key).update(caller).digest("base64url");
  }
}
