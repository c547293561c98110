import { z } from "zod";
import { batches } from "../batches.ts";
import type { Clock } from "../clock.ts";
import { KeysUnavailable } from "../keys/key-wrapper.ts";
import type { Sealer } from "../keys/seal.ts";
import type { Log } from "../log.ts";
import { inRows, joinText, longText, splitText } from "../storage/long-text.ts";
import {
  BATCH_MAX,
  type Key,
  RowChanged,
  StorageUnavailable,
  type Store,
} from "../storage/store.ts";
import { type Typed, TypedTable } from "../storage/typed-table.ts";
import { unlessThere } from "../storage/unless-there.ts";
import { type Envelope, envelopeSchema } from "./envelope.ts";

const headRow = longText.and(
  z.object({
    /** Which connection the message is for, for whoever takes over from an instance that is gone. */
    connection: z.string(),
    /** How many rows before this one hold the beginning of the message. */
    before: z.number().int().min(0),
    takeOver: z.enum(["allowed", "forbidden"]).default("allowed"),
    /** Which connection has taken it over. */
    takenBy: z.string().optional(),
  }),
);
type HeadRow = Typed<z.infer<typeof headRow>>;

/**
 * Whether another instance may run a message once its own is gone. Not one that it may have had by another
 * way already: then it would run twice.
 */
type TakeOver = "allowed" | "forbidden";

/** A message that waits in an inbox. */
export interface Waiting {
  readonly id: string;
  /** Empty where it is for no connection in particular. */
  readonly connection: string;
  readonly takeOver: TakeOver;
  readonly head: HeadRow;
}

/**
 * The `inbox` table: a partition for each instance, a row for each message. What is large has its beginning
 * in rows of a partition beside it; the row with the end of it is written last and is the one that counts.
 */
export class Inbox {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #sealer: Sealer;
  readonly #log: Log;
  readonly #heads;
  readonly #parts;

  constructor(deps: { store: Store; clock: Clock; sealer: Sealer; log: Log }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#sealer = deps.sealer;
    this.#log = deps.log;
    this.#heads = new TypedTable(deps.store, "inbox", headRow);
    this.#parts = new TypedTable(deps.store, "inbox", longText);
  }

  /**
   * Puts a message into the inbox of an instance. Writing it twice is the same as writing it once.
   *
   * @param id Names the message, for all the ways in which it may arrive.
   * @throws StorageUnavailable
   */
  async write(
    instance: string,
    id: string,
    envelope: Envelope,
    takeOver: TakeOver = "allowed",
  ): Promise<void> {
    // Fixed before the first try: a retry that finds its own row has succeeded.
    const row = `${String(this.#clock.now()).padStart(15, "0")}~${id}`;
    const sealed = await this.#sealer.seal(
      "relay",
      binding(instance, id),
      JSON.stringify(envelope),
    );
    const chunks = inRows(sealed);
    const last = chunks.pop() ?? "";
    for (const [n, chunk] of chunks.entries()) {
      await unlessThere(this.#parts.insert(partKey(instance, row, n), splitText(chunk)));
    }
    const connection = "connection" in envelope ? envelope.connection : "";
    const head = { ...splitText(last), connection, before: chunks.length, takeOver };
    const key = { partition: instance, row };
    try {
      await unlessThere(this.#heads.insert(key, head, "once"));
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error;
      // It may have arrived, and have been taken. Its instance knows it again; who took over from that would not.
      await unlessThere(this.#heads.insert(key, { ...head, takeOver: "forbidden" }));
    }
  }

  /** What waits for an instance, in the order in which the service has taken it: senders' clocks differ. */
  async waiting(instance: string): Promise<Waiting[]> {
    const heads = await Array.fromAsync(this.#heads.list(instance));
    return heads
      .toSorted((a, b) => a.writtenAt - b.writtenAt)
      .map((head) => ({
        id: head.key.row.slice(head.key.row.indexOf("~") + 1),
        connection: head.value.connection,
        takeOver: head.value.takeOver,
        head,
      }));
  }

  /**
   * Takes messages out of this instance's own inbox. Only the owner does, and none is asked for twice: one
   * whose row is gone was taken by an earlier try whose answer was lost.
   */
  async claimOwn(messages: readonly Waiting[]): Promise<void> {
    for await (const batch of batches(messages, BATCH_MAX)) {
      await this.#deleteTogether(batch.map(({ head }) => head.key));
    }
  }

  /**
   * Claims a message in the inbox of an instance that has been given up. It is marked and not deleted: who
   * deletes cannot tell whether an earlier try, whose answer was lost, has succeeded.
   *
   * @param by The connection that takes it over.
   * @returns Whether it is that one's: otherwise it has run, or somebody else has taken it.
   * @throws StorageUnavailable It can be claimed again.
   */
  async claim({ head }: Waiting, by: string): Promise<boolean> {
    if (head.value.takenBy !== undefined && head.value.takenBy !== by) return false;
    try {
      await this.#heads.replace(head, { ...head.value, takenBy: by });
    } catch (error) {
      if (!(error instanceof RowChanged)) throw error;
      if ((await this.#heads.get(head.key))?.value.takenBy !== by) return false;
    }
    return true;
  }

  /**
   * Reads a message. What an outage interrupts can be read again.
   *
   * @returns undefined where it is none of ours, or cut short: it must not keep the others.
   * @throws StorageUnavailable; KeysUnavailable
   */
  async open(message: Waiting): Promise<Envelope | undefined> {
    try {
      return await this.#open(message);
    } catch (error) {
      if (error instanceof StorageUnavailable || error instanceof KeysUnavailable) throw error;
      this.#log.error("relayed-message-unreadable", error, { message: message.id });
      return undefined;
    }
  }

  async #open({ id, head }: Waiting): Promise<Envelope> {
    const instance = head.key.partition;
    const texts = await Promise.all(
      partKeys(head).map(async (key) =>
        joinText((await this.#parts.get(key))?.value ?? { parts: 0 }),
      ),
    );
    const sealed = [...texts, joinText(head.value)].join("");
    const text = await this.#sealer.open("relay", binding(instance, id), sealed);
    return envelopeSchema.parse(JSON.parse(text));
  }

  /** Removes what is left of a message that its own instance has claimed and read. It throws nothing: see {@link clear}. */
  async removeParts({ head }: Waiting): Promise<void> {
    await Promise.allSettled(partKeys(head).map((key) => this.#parts.delete(key)));
  }

  /** Removes a message that was taken over. It throws nothing: see {@link clear}. */
  async remove(message: Waiting): Promise<void> {
    await Promise.allSettled([this.#heads.delete(message.head.key), this.removeParts(message)]);
  }

  /** Removes all that waits for an instance that will not come back. */
  async clear(instance: string): Promise<void> {
    for (const partition of [instance, partsPartition(instance)]) {
      for await (const { key } of this.#store.list("inbox", partition)) {
        await this.#store.delete("inbox", key);
      }
    }
  }

  async #deleteTogether(keys: readonly Key[]): Promise<void> {
    const [only] = keys;
    if (only !== undefined && keys.length === 1) {
      await this.#store.delete("inbox", only);
      return;
    }
    try {
      await this.#store.deleteAll("inbox", keys);
    } catch (error) {
      if (!(error instanceof RowChanged)) throw error;
      await Promise.all(keys.map((key) => this.#store.delete("inbox", key)));
    }
  }
}

function binding(instance: string, id: string): string {
  return `${instance} ${id}`;
}

function partsPartition(instance: string): string {
  return `${instance}~parts`;
}

function partKey(instance: string, row: string, n: number): Key {
  return { partition: partsPartition(instance), row: `${row}~${n}` };
}

function partKeys({ key, value }: HeadRow): Key[] {
  return Array.from({ length: value.before }, (_, n) => partKey(key.partition, key.row, n));
}
