import type { Log } from "../log.ts";
import { KeysUnavailable } from "../keys/key-wrapper.ts";
import { StorageUnavailable } from "../storage/store.ts";
import type { Envelope } from "./envelope.ts";
import type { Inbox, Waiting } from "./inbox.ts";

/** Takes a message that was claimed. */
export type Receive = (id: string, envelope: Envelope) => Promise<void>;

/** Reads this instance's own inbox: what waits there is claimed, then handed on. */
export class InboxReader {
  readonly #inbox: Inbox;
  readonly #log: Log;
  /** Messages whose claim was never answered: their rows may be gone, and nobody else has them. */
  #unsettled: readonly Waiting[] = [];

  constructor(deps: { inbox: Inbox; log: Log }) {
    this.#inbox = deps.inbox;
    this.#log = deps.log;
  }

  /**
   * @param receive Gets the messages one after the other, in the order of their arrival.
   * @throws StorageUnavailable What was claimed and not yet handed on follows with the next read.
   */
  async read(instance: string, receive: Receive): Promise<void> {
    const arrived = await this.#inbox.waiting(instance);
    const known = new Set(this.#unsettled.map(({ id }) => id));
    const messages = [...this.#unsettled, ...arrived.filter(({ id }) => !known.has(id))];
    this.#unsettled = messages;
    await this.#inbox.claimOwn(messages);
    for (const message of messages) {
      const envelope = await this.#open(message);
      this.#unsettled = this.#unsettled.filter((other) => other !== message);
      if (envelope !== undefined) await receive(message.id, envelope);
    }
  }

  /** Forgets what was claimed and not handed on: it belonged to a lease that is lost. */
  forget(): void {
    this.#unsettled = [];
  }

  async #open(message: Waiting): Promise<Envelope | undefined> {
    try {
      return await this.#inbox.open(message);
    } catch (error) {
      if (error instanceof StorageUnavailable || error instanceof KeysUnavailable) throw error;
      // Not one of ours, or cut short: it must not keep the others.
      this.#log.error("relayed-message-unreadable", error, { message: message.id });
      return undefined;
    }
  }
}
