import type { Clock } from "../../clock.ts";
import { GRACE_MS } from "../instance-gone.ts";

/** The calls that this instance is answering, so that it can bring them to an end before it goes. */
export class CallsInProgress {
  readonly #clock: Clock;
  readonly #failures = new Set<() => void>();
  #allAnswered = Promise.withResolvers<void>();

  constructor(deps: { clock: Clock }) {
    this.#clock = deps.clock;
  }

  /**
   * @param fail Answers the call in words that its client can show, when it can be waited for no longer.
   * @returns To be called when it is answered.
   */
  began(fail: () => void): () => void {
    this.#failures.add(fail);
    return () => {
      this.#failures.delete(fail);
      if (this.#failures.size === 0) this.#allAnswered.resolve();
    };
  }

  /** Waits for the calls, but not for long. */
  async finish(): Promise<void> {
    if (this.#failures.size === 0) return;
    this.#allAnswered = Promise.withResolvers();
    await Promise.race([this.#allAnswered.promise, this.#clock.sleep(GRACE_MS)]);
    for (const fail of this.#failures) fail();
  }
}
