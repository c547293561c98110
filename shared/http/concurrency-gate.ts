import type { Clock } from "../clock.ts";
import type { Limit } from "./rate-limiter.ts";

/** How long a call waits for its turn before it is refused. */
const WAIT_MS = 5_000;

/** The share of a minute's calls that may run at once. */
const AT_ONCE_PER_MINUTE = 1 / 20;

interface Lane {
  running: number;
  /** In the order in which they came. */
  readonly waiting: Set<() => void>;
}

/**
 * Bounds how many calls of one kind run at once, whoever makes them. The others wait their turn, first come, first
 * served: a flood slows a kind of call down, and locks nobody out.
 */
export class ConcurrencyGate {
  readonly #clock: Clock;
  readonly #factor: number;
  readonly #lanes = new Map<string, Lane>();

  /** @param deps.factor Multiplies every bound. */
  constructor({ clock, factor }: { clock: Clock; factor: number }) {
    this.#clock = clock;
    this.#factor = factor;
  }

  /** @returns Whether the turn of the call came in time. One that came must {@link leave}. */
  async enter(limit: Limit): Promise<boolean> {
    const lane = this.#lane(limit);
    if (lane.running < this.#atOnce(limit)) {
      lane.running += 1;
      return true;
    }
    const { promise: turn, resolve: next } = Promise.withResolvers<void>();
    lane.waiting.add(next);
    await Promise.race([turn, this.#clock.sleep(WAIT_MS)]);
    // Who is not waiting any more was called, if only in the last moment.
    return !lane.waiting.delete(next);
  }

  leave(limit: Limit): void {
    const lane = this.#lane(limit);
    const [next] = lane.waiting;
    if (next === undefined) {
      lane.running -= 1;
    } else {
      lane.waiting.delete(next);
      next();
    }
  }

  #lane({ name }: Limit): Lane {
    const lane = this.#lanes.get(name) ?? { running: 0, waiting: new Set() };
    this.#lanes.set(name, lane);
    return lane;
  }

  #atOnce({ perMinute }: Limit): number {
    return Math.max(1, Math.round(perMinute * this.#factor * AT_ONCE_PER_MINUTE));
  }
}
