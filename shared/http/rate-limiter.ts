import {
  type IRateLimiterOptions,
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRes,
} from "rate-limiter-flexible";
import { sha256 } from "../digest.ts";
import type { RequestContext } from "./context.ts";

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
 * Calls a minute from one address, or with the same credentials. A whole office can be behind one address: 600 sign-ins a minute
 * pass, each with a registration, pages that are fetched twice, and refreshes afterwards.
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
 * Whom a call is counted with: its address, where that is sure. Otherwise what the caller holds, and nobody else can
 * use up: its credentials, its cookies, or the sign-in that it is part of.
 *
 * @returns undefined where it brings nothing of the kind.
 */
export function callerKey(
  request: Request,
  { address }: Pick<RequestContext, "address">,
): string | undefined {
  if (address !== undefined) return address;
  const { headers, url } = request;
  const held =
    headers.get("authorization") ?? headers.get("cookie") ?? new URL(url).searchParams.get("state");
  return held === null ? undefined : sha256(held);
}
