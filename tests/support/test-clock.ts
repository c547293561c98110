import type { Clock } from "../../shared/clock.ts";

/** A clock that stands still until a test moves it. It starts now, so that it agrees with the stand-in's. */
export class TestClock implements Clock {
  #now: number;

  constructor(now = Date.now()) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  /** Lets other work go on, without moving the clock: for a moment, longer where more time would pass. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, Math.min(Math.max(2, ms / 20), 250));
    });
  }

  advance({ seconds }: { seconds: number }): void {
    this.#now += seconds * 1000;
  }
}
