/** What rests in memory, to be forgotten when it has rested for too long or there is too much of it. */
export class RestingSessions<T extends { readonly id: string; readonly resting: boolean }> {
  readonly #max: number;
  readonly #ttlMs: number;
  readonly #forget: (session: T) => void;
  /** The one that has rested longest first. */
  readonly #timers = new Map<string, { session: T; timer: NodeJS.Timeout }>();

  /** @param forget Called for a session that rests. */
  constructor(options: { max: number; ttlMs: number }, forget: (session: T) => void) {
    this.#max = options.max;
    this.#ttlMs = options.ttlMs;
    this.#forget = forget;
  }

  /** A session is used, or comes to rest. */
  touch(session: T): void {
    this.#remove(session.id);
    const timer = setTimeout(() => this.#expire(session), this.#ttlMs);
    timer.unref();
    this.#timers.set(session.id, { session, timer });
    if (this.#timers.size <= this.#max) return;
    const [oldest] = this.#timers.values();
    if (oldest !== undefined) this.#expire(oldest.session);
  }

  /** A session has ended, or was forgotten. */
  remove(session: T): void {
    // Another one may have been made again under its id.
    if (this.#timers.get(session.id)?.session === session) this.#remove(session.id);
  }

  #expire(session: T): void {
    this.#remove(session.id);
    // One that is busy just then is touched again when it comes to rest.
    if (session.resting) this.#forget(session);
  }

  #remove(id: string): void {
    clearTimeout(this.#timers.get(id)?.timer);
    this.#timers.delete(id);
  }
}
