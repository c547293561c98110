import { type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import type { Sealer } from "../keys/seal.ts";
import { joinText, longText, splitText } from "../storage/long-text.ts";
import type { Key, Store } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";

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
    let keys: Key[] = [];
    let text = "";
    for await (const { key, value } of this.#table.list(stream)) {
      keys.push(key);
      text += joinText(value);
      if (value.last === 0) continue;
      const [first, ...rest] = keys;
      const sequence = Number.parseInt(first?.row ?? "", 10);
      const sealed = text;
      keys = [];
      text = "";
      // The first row is the claim.
      if (first === undefined || !(await this.#store.delete("events", first))) continue;
      await Promise.all(rest.map((other) => this.#store.delete("events", other)));
      const opened = await this.#sealer.open("event", `${stream} ${sequence}`, sealed);
      yield JSONRPCMessageSchema.parse(JSON.parse(opened));
    }
  }

  /** Removes all that waits for a stream. */
  async clear(stream: string): Promise<void> {
    for await (const { key } of this.#store.list("events", stream)) {
      await this.#store.delete("events", key);
    }
  }
}

function padded(n: number): string {
  return String(n).padStart(10, "0");
}
