import { setImmediate } from "node:timers/promises";
import type { Wait } from "../../../tools/entra/wait.ts";

interface Sleeper {
  readonly due: number;
  readonly resolve: (passed: boolean) => void;
}

/** Time that stands still until a test moves it on; what waits no time at all does not wait. */
export class ManualTime {
  // A whole second, as tokens count in seconds.
  #now = Math.floor(Date.now() / 1000) * 1000;
  #sleepers: Sleeper[] = [];
  #onChange: (() => void)[] = [];

  readonly now = () => new Date(this.#now);

  readonly wait: Wait = async (ms, signal) => {
    if (signal.aborted || ms <= 0) {
      return !signal.aborted;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const sleeper = { due: this.#now + ms, resolve };
    this.#sleepers.push(sleeper);
    signal.addEventListener("abort", () => this.#wake(sleeper, false), { once: true });
    this.#changed();
    return promise;
  };

  /** Moves on; everything that is due by then wakes. */
  advance(ms: number): void {
    this.#now += ms;
    for (const sleeper of this.#sleepers.filter(({ due }) => due <= this.#now)) {
      this.#wake(sleeper, true);
    }
  }

  /** Resolves as soon as something waits that is due in so many milliseconds. */
  sleepingFor(ms: number): Promise<void> {
    return this.#until(() => this.#sleepers.some(({ due }) => due === this.#now + ms));
  }

  /** Resolves as soon as no more than so many wait, and what they did then is done. */
  async sleepingAtMost(count: number): Promise<void> {
    await this.#until(() => this.sleeping <= count);
    await setImmediate();
  }

  /** How much is waiting for time to pass. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#onChange.push(resolve);
      });
    }
  }

  #wake(sleeper: Sleeper, passed: boolean): void {
    this.#sleepers = this.#sleepers.filter((one) => one !== sleeper);
    sleeper.resolve(passed);
    this.#changed();
  }

  #changed(): void {
    for (const told of this.#onChange.splice(0)) {
      told();
    }
  }
}
