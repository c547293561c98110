import { TestClock } from "./test-clock.ts";

/** So much faster than the clock on the wall. */
const TIMES = 10;

/** No more passes at once, however long this machine was busy: work that was kept waiting is not late. */
const AT_ONCE_MS = 30;

/** A clock that runs by itself, faster than real ones do: all periods of the server keep their proportions. */
export class QuickClock extends TestClock {
  #passed = 0;
  #tickedAt = performance.now();
  #sleepers: { readonly until: number; readonly wake: () => void }[] = [];

  constructor() {
    super();
    setInterval(() => this.#tick(), 1).unref();
  }

  override now(): number {
    return super.now() + Math.floor(this.#passed);
  }

  override sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sleepers.push({ until: this.#passed + ms, wake: resolve });
    return promise;
  }

  #tick(): void {
    const now = performance.now();
    this.#passed += Math.min((now - this.#tickedAt) * TIMES, AT_ONCE_MS);
    this.#tickedAt = now;
    const due = this.#sleepers.filter(({ until }) => until <= this.#passed);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#passed);
    for (const { wake } of due) wake();
  }
}
