import type { Clock } from "../clock.ts";
import { type Random, randomId } from "../random.ts";
import type { Envelope } from "./envelope.ts";
import type { FastPath } from "./fast-path.ts";
import type { Inbox } from "./inbox.ts";
import type { Instances } from "./instances.ts";
import type { Lease } from "./lease.ts";

/** How often it is looked whether a message was taken: for a second and a half, more than an inbox is left alone. */
const LOOK_EVERY_MS = 25;
const MAX_LOOKS = 60;

/** Sends messages to other instances: by the fast path where there is one, and else into their inboxes. */
export class Sender {
  readonly #lease: Lease;
  readonly #instances: Instances;
  readonly #inbox: Inbox;
  readonly #fastPath: FastPath | undefined;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(deps: {
    lease: Lease;
    instances: Instances;
    inbox: Inbox;
    fastPath: FastPath | undefined;
    clock: Clock;
    random: Random;
  }) {
    this.#lease = deps.lease;
    this.#instances = deps.instances;
    this.#inbox = deps.inbox;
    this.#fastPath = deps.fastPath;
    this.#clock = deps.clock;
    this.#random = deps.random;
  }

  /**
   * Tells every other instance. One that cannot be reached just now finds it when it can.
   *
   * @param options.taken Waits until all that are there have taken it, but not for long.
   */
  async broadcast(envelope: Envelope, options: { taken?: boolean } = {}): Promise<void> {
    // Who has just come must not miss the end of something; of a feed it reads the newest value anyway.
    const all = await this.#instances.all({ fresh: envelope.kind !== "feed" });
    const others = all.filter((it) => it !== this.#lease.id);
    const sent = await Promise.all(
      others.map(async (instance) => ({ instance, id: await this.send(instance, envelope) })),
    );
    if (options.taken === true) await Promise.all(sent.map((it) => this.#taken(it)));
  }

  /**
   * Sends a message to one instance. It is safe once this returns: taken, or in its inbox.
   *
   * @returns Its id, where it is in the inbox.
   * @throws StorageUnavailable
   */
  async send(instance: string, envelope: Envelope): Promise<string | undefined> {
    const id = randomId(this.#random);
    const sent = (await this.#fastPath?.send(instance, id, envelope)) ?? "refused";
    if (sent === "taken") return undefined;
    await this.#inbox.write(instance, id, envelope, sent === "refused" ? "allowed" : "forbidden");
    return id;
  }

  /** Waits until a message is out of an inbox. */
  async #taken({ instance, id }: { instance: string; id: string | undefined }): Promise<void> {
    if (id === undefined) return;
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const waiting = await this.#inbox.waiting(instance);
      // Taken is not done yet: one more look's time for that.
      await this.#clock.sleep(LOOK_EVERY_MS);
      if (!waiting.some((message) => message.id === id)) return;
    }
  }
}
