import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import type { Sealer } from "../keys/seal.ts";
import { joinText, longText, splitText } from "../storage/long-text.ts";
import type { Key, Store } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";
import { jsonRpcMessage } from "./json-rpc.ts";

/** Characters of a message that one row holds. */
const ROW_CHARACTERS = 400_000;

const row = longText.and(z.object({ last: z.number() }));

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
   * Keeps a message of a stream.
   *
   * @param sequence Its number in the stream, chosen by the one who writes to it.
   * @throws StorageUnavailable
   */
  async keep(stream: string, sequence: number, message: JSONRPCMessage): Promise<void> {
    const sealed = await this.#sealer.seal(
      "event",
      `${stream} ${sequence}`,
      JSON.stringify(message),
    );
    const chunks = sealed.match(new RegExp(`.{1,${ROW_CHARACTERS}}`, "g")) ?? [];
    for (const [n, chunk] of chunks.entries()) {
      const key = { partition: stream, row: `${padded(sequence)}~${padded(n)}` };
      await this.#table.put(key, { ...splitText(chunk), last: n === chunks.length - 1 ? 1 : 0 });
    }
  }

  /**
   * Takes what waits, in order. Of several who take at once, each message comes to one.
   *
   * @throws StorageUnavailable
   */
  async *take(stream: string): AsyncIterable<JSONRPCMessage> {
    for await (const kept of this.#kept(stream)) {
      // Read first: what an outage interrupts can be taken again.
      const message = await this.#open(stream, kept);
      // The first row is the claim.
      if (!(await this.#store.delete("events", kept.first))) continue;
      await Promise.allSettled(kept.rest.map((other) => this.#store.delete("events", other)));
      yield message;
    }
  }

  /**
   * Reads what waits, in order, and leaves it there.
   *
   * @param after The number of the last message that is known already.
   * @throws StorageUnavailable
   */
  async *read(
    stream: string,
    after: number,
  ): AsyncIterable<{ sequence: number; message: JSONRPCMessage }> {
    for await (const kept of this.#kept(stream)) {
      if (kept.sequence <= after) continue;
      yield { sequence: kept.sequence, message: await this.#open(stream, kept) };
    }
  }

  async *#kept(stream: string): AsyncIterable<Kept> {
    let keys: Key[] = [];
    let sealed = "";
    for await (const { key, value } of this.#table.list(stream)) {
      // Of one whose writing was broken off, the end is missing.
      if (keys[0] !== undefined && sequenceOf(key) !== sequenceOf(keys[0])) {
        keys = [];
        sealed = "";
      }
      keys.push(key);
      sealed += joinText(value);
      if (value.last === 0) continue;
      const [first, ...rest] = keys;
      if (first !== undefined) {
        yield { sequence: sequenceOf(first), first, rest, sealed };
      }
      keys = [];
      sealed = "";
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

/** A message as it is kept, in one row or several. */
interface Kept {
  readonly sequence: number;
  readonly first: Key;
  readonly rest: readonly Key[];
  readonly sealed: string;
}

function sequenceOf({ row: name }: Key): number {
  return Number.parseInt(name, 10);
}

function padded(n: number): string {
  return String(n).padStart(10, "0");
}
