import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import type { Sealer } from "../keys/seal.ts";
import type { Expiry } from "../storage/expiries.ts";
import { inRows, joinText, longText, splitText } from "../storage/long-text.ts";
import { type Key, RowChanged, type Store } from "../storage/store.ts";
import { type Typed, TypedTable } from "../storage/typed-table.ts";
import { unlessThere } from "../storage/unless-there.ts";
import { jsonRpcMessage } from "./json-rpc.ts";

const row = longText.and(
  z.object({
    last: z.number(),
    /** Who has taken the message that begins here. */
    takenBy: z.string().optional(),
  }),
);
type KeptRow = Typed<z.infer<typeof row>>;

/** A message and its number in its stream. */
export interface Numbered {
  readonly sequence: number;
  readonly message: JSONRPCMessage;
}

/**
 * What could not be delivered, in the `events` table: a partition for each stream, messages in the order of
 * their numbers, each in as many rows as it takes. They are sealed, for they hold what a tool has found out.
 */
export class WaitingAnswers {
  readonly #store: Store;
  readonly #sealer: Sealer;
  readonly #table;

  constructor(deps: { store: Store; sealer: Sealer }) {
    this.#store = deps.store;
    this.#sealer = deps.sealer;
    this.#table = new TypedTable(deps.store, "events", row);
  }

  /**
   * Seals a message of a stream, once for all tries to keep it: what an earlier one has written is the same.
   *
   * @param sequence Its number in the stream, chosen by the one who writes to it.
   * @throws StorageUnavailable; KeysUnavailable
   */
  async seal(stream: string, sequence: number, message: JSONRPCMessage): Promise<Sealed> {
    const text = JSON.stringify(message);
    return {
      stream,
      sequence,
      text: await this.#sealer.seal("event", `${stream} ${sequence}`, text),
    };
  }

  /**
   * Keeps a message until somebody takes it. Keeping it again, where nobody has said that it is kept, does not
   * bring back what was taken.
   *
   * @throws StorageUnavailable
   */
  async keep(sealed: Sealed): Promise<void> {
    for (const [key, value] of rowsOf(sealed)) await unlessThere(this.#table.insert(key, value));
  }

  /**
   * Writes a message down for {@link read}, in place of what may be there under its number.
   *
   * @throws StorageUnavailable; KeysUnavailable
   */
  async write(stream: string, sequence: number, message: JSONRPCMessage): Promise<void> {
    const sealed = await this.seal(stream, sequence, message);
    for (const [key, value] of rowsOf(sealed)) await this.#table.put(key, value);
  }

  /**
   * Takes what waits, in order. Of several who take at once, each message comes to one. It is marked and not
   * deleted for that: who deletes cannot tell whether an earlier try, whose answer was lost, has succeeded. And
   * the mark stays until all of the stream is cleared, for one who keeps the message may still be trying.
   *
   * @param taker.id What was interrupted by an outage may come to the same one again.
   * @param taker.streaming While it can hand on what it takes.
   * @throws StorageUnavailable
   */
  async *take(
    stream: string,
    taker: { readonly id: string; readonly streaming: boolean },
  ): AsyncIterable<Numbered> {
    for await (const kept of this.#kept(stream)) {
      const { takenBy } = kept.first.value;
      if (takenBy !== undefined && takenBy !== taker.id) continue;
      // Read first: what an outage interrupts can be taken again.
      const message = await this.#open(stream, kept);
      if (!taker.streaming) return;
      if (!(await this.#claim(kept.first, taker.id))) continue;
      yield { sequence: kept.sequence, message };
      await Promise.allSettled(kept.rest.map(({ key }) => this.#store.delete("events", key)));
    }
  }

  async #claim(first: KeptRow, by: string): Promise<boolean> {
    if (first.value.takenBy === by) return true;
    try {
      await this.#table.replace(first, { ...first.value, takenBy: by });
      return true;
    } catch (error) {
      if (!(error instanceof RowChanged)) throw error;
      return (await this.#table.get(first.key))?.value.takenBy === by;
    }
  }

  /**
   * Reads what waits, in order, and leaves it there.
   *
   * @param after The number of the last message that is known already.
   * @throws StorageUnavailable
   */
  async *read(stream: string, after: number): AsyncIterable<Numbered> {
    for await (const kept of this.#kept(stream)) {
      if (kept.sequence <= after) continue;
      yield { sequence: kept.sequence, message: await this.#open(stream, kept) };
    }
  }

  async *#kept(stream: string): AsyncIterable<Kept> {
    let rows: KeptRow[] = [];
    for await (const kept of this.#table.list(stream)) {
      // Of one whose writing was broken off, the end is missing.
      if (rows[0] !== undefined && sequenceOf(kept) !== sequenceOf(rows[0])) rows = [];
      rows.push(kept);
      const [first, ...rest] = rows;
      if (kept.value.last === 0 || first === undefined) continue;
      const sealed = rows.map(({ value }) => joinText(value)).join("");
      yield { sequence: sequenceOf(first), first, rest, sealed };
      rows = [];
    }
  }

  async #open(stream: string, { sequence, sealed }: Kept): Promise<JSONRPCMessage> {
    const text = await this.#sealer.open("event", `${stream} ${sequence}`, sealed);
    return jsonRpcMessage.parse(JSON.parse(text));
  }

  /** Removes all that waits for a stream. */
  async clear(stream: string): Promise<void> {
    for await (const { key } of this.#store.list("events", stream)) {
      await this.#store.delete("events", key);
    }
  }
}

/** @returns By what `expiries` knows all that is kept of a stream: whoever keeps a message notes it before. */
export function keptOf(stream: string): Expiry {
  return { table: "events", key: { partition: stream, row: "" } };
}

/** A message that is ready to be kept. */
export interface Sealed extends Pick<Numbered, "sequence"> {
  readonly stream: string;
  readonly text: string;
}

function rowsOf({ stream, sequence, text }: Sealed): [Key, KeptRow["value"]][] {
  const chunks = inRows(text);
  return chunks.map((chunk, n) => [
    { partition: stream, row: `${padded(sequence)}~${padded(n)}` },
    { ...splitText(chunk), last: n === chunks.length - 1 ? 1 : 0 },
  ]);
}

/** A message as it is kept, in one row or several. */
interface Kept {
  readonly sequence: number;
  readonly first: KeptRow;
  readonly rest: readonly KeptRow[];
  readonly sealed: string;
}

function sequenceOf({ key }: KeptRow): number {
  return Number.parseInt(key.row, 10);
}

function padded(n: number): string {
  return String(n).padStart(10, "0");
}
