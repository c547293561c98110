import { type Clock, systemClock } from "../clock.ts";
import {
  type Etag,
  type Key,
  type Row,
  RowChanged,
  RowExists,
  type Store,
  type TableName,
  type Value,
} from "./store.ts";

/** The in-memory twin of the table adapter, for tests that need no Azurite. */
export class MemoryStore implements Store {
  readonly #tables = new Map<TableName, Map<string, Row>>();
  readonly #clock: Clock;
  #writes = 0;

  /** @param clock Of the service, which instances share. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async get(table: TableName, key: Key): Promise<Row | undefined> {
    const row = this.#rows(table).get(id(key));
    return row && { ...row, readAt: this.#clock.now() };
  }

  async insert(table: TableName, key: Key, value: Value): Promise<Etag> {
    if (this.#rows(table).has(id(key))) throw new RowExists(`${table} ${id(key)}`);
    return this.#write(table, key, value);
  }

  async replace(table: TableName, key: Key, value: Value, etag: Etag): Promise<Etag> {
    this.#requireUnchanged(table, key, etag);
    return this.#write(table, key, value);
  }

  async put(table: TableName, key: Key, value: Value): Promise<Etag> {
    return this.#write(table, key, value);
  }

  async delete(table: TableName, key: Key, etag?: Etag): Promise<boolean> {
    const rows = this.#rows(table);
    if (!rows.has(id(key))) return false;
    if (etag !== undefined) this.#requireUnchanged(table, key, etag);
    return rows.delete(id(key));
  }

  async deleteAll(table: TableName, keys: readonly Key[]): Promise<void> {
    const rows = this.#rows(table);
    const gone = keys.find((key) => !rows.has(id(key)));
    if (gone !== undefined) throw new RowChanged(`${table} ${id(gone)}`);
    for (const key of keys) rows.delete(id(key));
  }

  async *list(table: TableName, partition: string): AsyncIterable<Row> {
    const rows = [...this.#rows(table).values()].filter((row) => row.key.partition === partition);
    const readAt = this.#clock.now();
    for (const row of rows.toSorted((a, b) => (a.key.row < b.key.row ? -1 : 1))) {
      yield { ...row, readAt };
    }
  }

  #rows(table: TableName): Map<string, Row> {
    const rows = this.#tables.get(table) ?? new Map<string, Row>();
    this.#tables.set(table, rows);
    return rows;
  }

  #write(table: TableName, key: Key, value: Value): Etag {
    const etag = `W/"${++this.#writes}"`;
    const now = this.#clock.now();
    const row = { key: { ...key }, etag, value: withoutUndefined(value) };
    this.#rows(table).set(id(key), { ...row, writtenAt: now, readAt: now });
    return etag;
  }

  #requireUnchanged(table: TableName, key: Key, etag: Etag): void {
    if (this.#rows(table).get(id(key))?.etag !== etag) throw new RowChanged(`${table} ${id(key)}`);
  }
}

function withoutUndefined(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== undefined));
}

function id({ partition, row }: Key): string {
  return JSON.stringify([partition, row]);
}
