import type { Envelope } from "./envelope.ts";
import type { Inbox, Waiting } from "./inbox.ts";

/** Takes a message that was claimed. */
export type Receive = (id: string, envelope: Envelope) => Promise<void>;

/** Reads this instance's own inbox: what waits there is claimed, then handed on. */
export class InboxReader {
  readonly #inbox: Inbox;
  /** Messages that were claimed, perhaps, and not taken yet: their rows may be gone, and nobody else has them. */
  #unsettled: readonly Waiting[] = [];

  constructor(deps: { inbox: Inbox }) {
    this.#inbox = deps.inbox;
  }

  /**
   * @param receive Gets the messages one after the other, in the order of their arrival. One that it cannot
   *   take just now it gets again.
   * @throws StorageUnavailable What was claimed and not yet taken follows with the next read.
   */
  async read(instance: string, receive: Receive): Promise<void> {
    const arrived = await this.#inbox.waiting(instance);
    // What belonged to a lease that is lost is over with it.
    const unsettled = this.#unsettled.filter(({ head }) => head.key.partition === instance);
    const known = new Set(unsettled.map(({ id }) => id));
    const messages = [...unsettled, ...arrived.filter(({ id }) => !known.has(id))];
    this.#unsettled = messages;
    await this.#inbox.claimOwn(messages);
    for (const message of messages) {
      const envelope = await this.#inbox.open(message);
      if (envelope !== undefined) await receive(message.id, envelope);
      this.#unsettled = this.#unsettled.filter((other) => other !== message);
      await this.#inbox.removeParts(message);
    }
  }
}
