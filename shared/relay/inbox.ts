import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Sealer } from "../keys/seal.ts";
import { joinText, longText, splitText } from "../storage/long-text.ts";
import { BATCH_MAX, type Key, RowChanged, RowExists, type Store } from "../storage/store.ts";
import { type Typed, TypedTable } from "../storage/typed-table.ts";
import { type Envelope, envelopeSchema } from "./envelope.ts";

/** Characters of a message that one row holds. */
const ROW_CHARACTERS = 400_000;

const headRow = longText.and(
  z.object({
    /** Which connection the message is for, for whoever takes over from an instance that is gone. */
    connection: z.string(),
    /** How many rows before this one hold the beginning of the message. */
    before: z.number().int().min(0),
    takeOver: z.enum(["allowed", "forbidden"]).default("allowed"),
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
  readonly #heads;
  readonly #parts;

  constructor(deps: { store: Store; clock: Clock; sealer: Sealer }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#sealer = deps.sealer;
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
    const chunks = sealed.match(new RegExp(`.{1,${ROW_CHARACTERS}}`, "g")) ?? [];
    const last = chunks.pop() ?? "";
    for (const [n, chunk] of chunks.entries()) {
      await unlessThere(this.#parts.insert(partKey(instance, row, n), splitText(chunk)));
    }
    const connection = "connection" in envelope ? envelope.connection : "";
    const head = { ...splitText(last), connection, before: chunks.length, takeOver };
    await unlessThere(this.#heads.insert({ partition: instance, row }, head));
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
    for (let from = 0; from < messages.length; from += BATCH_MAX) {
      const keys = messages.slice(from, from + BATCH_MAX).map(({ head }) => head.key);
      await this.#deleteTogether(keys);
    }
  }

  /**
   * Takes a message out of the inbox of an instance that has been given up.
   *
   * @returns Whether it was there: otherwise it has run, or somebody else has taken it.
   */
  claim({ head }: Waiting): Promise<boolean> {
    return this.#heads.delete(head.key, head.etag);
  }

  /** Reads a message that was claimed, and removes what is left of it. */
  async open({ id, head }: Waiting): Promise<Envelope> {
    const { partition: instance, row } = head.key;
    const parts = Array.from({ length: head.value.before }, (_, n) => partKey(instance, row, n));
    const texts = await Promise.all(
      parts.map(async (key) => joinText((await this.#parts.get(key))?.value ?? { parts: 0 })),
    );
    await Promise.all(parts.map((key) => this.#parts.delete(key)));
    const sealed = [...texts, joinText(head.value)].join("");
    const text = await this.#sealer.open("relay", binding(instance, id), sealed);
    return envelopeSchema.parse(JSON.parse(text));
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

async function unlessThere(insert: Promise<unknown>): Promise<void> {
  try {
    await insert;
  } catch (error) {
    if (!(error instanceof RowExists)) throw error;
  }
}
