/** Right after a relayed message more are to be expected. */
const EAGER_MS = 25;
const EAGER_FOR_MS = 2_000;

/** While people are at work. */
const BUSY_MS = 100;
const BUSY_FOR_MS = 5 * 60_000;

const IDLE_MS = 1_000;

/** After a message came through the inbox, others may, however well the fast path does. */
const INBOX_IN_USE_MS = 60_000;

/** For so long after a stream was opened, messages come that have not found the fast path yet. */
const FIRST_WORDS_MS = 2_000;

/** How often an instance looks into its inbox. An instance has one poll, however many streams it holds. */
export class PollPace {
  #relayedAt = -Infinity;
  #trafficAt = -Infinity;
  #inboxUsedAt = -Infinity;
  #openedAt = -Infinity;

  /** A message came through the relay. */
  relayed(now: number): void {
    this.#relayedAt = now;
    this.#trafficAt = now;
  }

  /** It came through the inbox. */
  inboxUsed(now: number): void {
    this.#inboxUsedAt = now;
  }

  /** A client has opened a stream here: it is about to say something, and not necessarily here. */
  opened(now: number): void {
    this.#openedAt = now;
    this.#trafficAt = now;
  }

  /** A client sent something here. */
  traffic(now: number): void {
    this.#trafficAt = now;
  }

  /**
   * @param fastPath Messages come by a quicker way.
   * @returns Milliseconds until the next look.
   */
  interval(now: number, fastPath = false): number {
    const byInbox =
      now - this.#inboxUsedAt < INBOX_IN_USE_MS || now - this.#openedAt < FIRST_WORDS_MS;
    if (fastPath && !byInbox) return IDLE_MS;
    if (now - this.#relayedAt < EAGER_FOR_MS) return EAGER_MS;
    return now - this.#trafficAt < BUSY_FOR_MS ? BUSY_MS : IDLE_MS;
  }
}
