import { z } from "zod";
import { hourOf, hourPartition, hourPartitions } from "./hour-partition.ts";
import type { Key, Store, TableName } from "./store.ts";
import { TypedTable } from "./typed-table.ts";
import { sha256 } from "../digest.ts";

const expiring = z.enum(["clients", "sessions", "connections", "inbox", "events"]);
const row = z.object({ table: expiring, partition: z.string(), row: z.string() });

/** Tables whose rows slide: when they end is known only from the row itself. `inbox` and `events` are noted by the partition. */
export type ExpiringTable = z.infer<typeof expiring> & TableName;

/** A row that may have ended. */
export interface Expiry {
  readonly table: ExpiringTable;
  readonly key: Key;
}

/**
 * The `expiries` table: what may end in which hour. A note is written before the row that it names, so that
 * no row is ever without one; what the row says about its own end decides.
 */
export class Expiries {
  readonly #store: Store;
  readonly #table;

  constructor(deps: { store: Store }) {
    this.#store = deps.store;
    this.#table = new TypedTable(deps.store, "expiries", row);
  }

  /** Notes that the row at `key` may end at `expiresAtMs`. */
  async note(expiry: Expiry, expiresAtMs: number): Promise<void> {
    const { table, key } = expiry;
    const value = { table, partition: key.partition, row: key.row };
    await this.#table.put(noteKey(expiry, expiresAtMs), value);
  }

  /** Forgets what {@link note} noted for a row that has been removed before its time. */
  async forgetNote(expiry: Expiry, expiresAtMs: number): Promise<void> {
    await this.#table.delete(noteKey(expiry, expiresAtMs));
  }

  /** Everything noted for one hour. What a newer release has noted for itself is left alone. */
  async *of(hour: number): AsyncIterable<Expiry & { readonly note: Key }> {
    for (const partition of hourPartitions(hour)) {
      for await (const { key: note, value } of this.#store.list("expiries", partition)) {
        const { data } = row.safeParse(value);
        if (data === undefined) continue;
        yield { table: data.table, key: { partition: data.partition, row: data.row }, note };
      }
    }
  }

  /** Forgets a note. */
  async forget(note: Key): Promise<void> {
    await this.#table.delete(note);
  }
}

function noteKey({ table, key }: Expiry, expiresAtMs: number): Key {
  const id = sha256(JSON.stringify([table, key.partition, key.row]));
  return { partition: hourPartition(hourOf(expiresAtMs), id), row: id };
}
