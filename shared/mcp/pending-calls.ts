import type { RequestId } from "@modelcontextprotocol/sdk/types.js";

/** The requests of a client that have not been answered yet. */
export class PendingCalls {
  readonly #ids = new Set<RequestId>();
  readonly #waiting = new Set<() => void>();

  /** A request has come. */
  began(id: RequestId): void {
    this.#ids.add(id);
  }

  /**
   * It is answered, or will not be: it was given up.
   *
   * @returns Whether that was still to come: each is answered once.
   */
  answered(id: RequestId): boolean {
    const waited = this.#ids.delete(id);
    if (this.#ids.size === 0) {
      for (const resolve of this.#waiting) resolve();
      this.#waiting.clear();
    }
    return waited;
  }

  get ids(): readonly RequestId[] {
    return [...this.#ids];
  }

  /** Resolves once all are answered. */
  allAnswered(): Promise<void> {
    if (this.#ids.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add(resolve));
  }
}
