import {
  type IRateLimiterOptions,
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRes,
} from "rate-limiter-flexible";

/** The seam to where calls are counted: by each instance for itself, or by all together. */
export interface RateLimiter {
  /** @returns undefined where the call may go on, else the seconds until the next one may. */
  take(limit: Limit, caller: string): Promise<number | undefined>;
}

/** How many calls of one kind a caller may make in a minute. */
export interface Limit {
  readonly name: string;
  readonly perMinute: number;
}

const WINDOW_SECONDS = 60;

/**
 * Calls a minute from one address. A whole office can be behind one: 600 sign-ins a minute pass, each with a
 * registration, pages that are fetched twice, and refreshes afterwards.
 */
export const LIMITS = {
  register: { name: "register", perMinute: 900 },
  authorize: { name: "authorize", perMinute: 1_800 },
  consent: { name: "consent", perMinute: 1_200 },
  callback: { name: "callback", perMinute: 1_200 },
  token: { name: "token", perMinute: 3_000 },
  /** Of one address: Graph posts for everybody from a few. */
  notifications: { name: "notifications", perMinute: 60_000 },
  publish: { name: "publish", perMinute: 6_000 },
  account: { name: "account", perMinute: 1_200 },
} as const satisfies Record<string, Limit>;

/** Counts with a limiter of `rate-limiter-flexible` for each limit. */
export class LimitCounters {
  readonly #factor: number;
  readonly #make: (options: IRateLimiterOptions) => RateLimiterAbstract;
  readonly #counters = new Map<string, RateLimiterAbstract>();

  /** @param factor Multiplies every limit. */
  constructor(factor: number, make: (options: IRateLimiterOptions) => RateLimiterAbstract) {
    this.#factor = factor;
    this.#make = make;
  }

  /** As {@link RateLimiter.take}. @throws Error of the counter, where it cannot count. */
  async take(limit: Limit, key: string): Promise<number | undefined> {
    try {
      await this.#counter(limit).consume(key);
      return undefined;
    } catch (refused) {
      if (!(refused instanceof RateLimiterRes)) throw refused;
      return Math.max(1, Math.ceil(refused.msBeforeNext / 1000));
    }
  }

  #counter({ name, perMinute }: Limit): RateLimiterAbstract {
    const known = this.#counters.get(name);
    if (known !== undefined) return known;
    const points = Math.max(1, Math.round(perMinute * this.#factor));
    const counter = this.#make({ keyPrefix: `rate:${name}`, points, duration: WINDOW_SECONDS });
    this.#counters.set(name, counter);
    return counter;
  }
}

/** Counts in the memory of this process. */
export class MemoryRateLimiter implements RateLimiter {
  readonly #counters: LimitCounters;

  /** @param factor Multiplies every limit. */
  constructor(factor: number) {
    this.#counters = new LimitCounters(factor, (options) => new RateLimiterMemory(options));
  }

  take(limit: Limit, caller: string): Promise<number | undefined> {
    return this.#counters.take(limit, caller);
  }
}

/**
 * The caller's address: the last hop of `X-Forwarded-For`, which Azure's front end writes, without the port.
 * What stands before it was sent by the caller and proves nothing.
 */
export function callerAddress(request: Request): string {
  const last = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(last)?.[1] ?? last.replace(/^([^:]+):\d+$/, "$1");
  return address === "" ? "unknown" : address;
}
