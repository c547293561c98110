import { type Clock, systemClock } from "../clock.ts";
import {
  type Etag,
  type Key,
  type Row,
  RowChanged,
  RowExists,
  type Some,
  type Store,
  type TableName,
  type Value,
} from "./store.ts";

/** The in-memory twin of the table adapter, for tests that need no Azurite. */
export class MemoryStore implements Store {
  readonly #partitions = new Map<string, Map<string, Row>>();
  readonly #clock: Clock;
  #writes = 0;

  /** @param clock Of the service, which instances share. */
  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  async get(table: TableName, key: Key): Promise<Row | undefined> {
    const row = this.#partition(table, key.partition).get(key.row);
    return row && { ...row, readAt: this.#clock.now() };
  }

  async insert(table: TableName, key: Key, value: Value): Promise<Etag> {
    if (this.#partition(table, key.partition).has(key.row))
      throw new RowExists(`${table} ${id(key)}`);
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
    const rows = this.#partition(table, key.partition);
    if (!rows.has(key.row)) return false;
    if (etag !== undefined) this.#requireUnchanged(table, key, etag);
    rows.delete(key.row);
    if (rows.size === 0) this.#partitions.delete(`${table} ${key.partition}`);
    return true;
  }

  async deleteAll(table: TableName, keys: readonly Key[]): Promise<void> {
    const gone = keys.find(({ partition, row }) => !this.#partition(table, partition).has(row));
    if (gone !== undefined) throw new RowChanged(`${table} ${id(gone)}`);
    for (const key of keys) await this.delete(table, key);
  }

  async *list(table: TableName, partition: string, some?: Some): AsyncIterable<Row> {
    const rows = [...this.#partition(table, partition).values()].filter(
      ({ key }) => some === undefined || key.row.startsWith(some.prefix),
    );
    const readAt = this.#clock.now();
    const inOrder = rows.toSorted((a, b) => (a.key.row < b.key.row ? -1 : 1));
    for (const row of inOrder.slice(0, some?.max)) yield { ...row, readAt };
  }

  #partition(table: TableName, partition: string): Map<string, Row> {
    return this.#partitions.get(`${table} ${partition}`) ?? new Map<string, Row>();
  }

  #write(table: TableName, key: Key, value: Value): Etag {
    const etag = `W/"${++this.#writes}"`;
    const now = this.#clock.now();
    const row = { key: { ...key }, etag, value: withoutUndefined(value) };
    const rows = this.#partition(table, key.partition);
    rows.set(key.row, { ...row, writtenAt: now, readAt: now });
    // Only here: to look at a partition must not make one.
    this.#partitions.set(`${table} ${key.partition}`, rows);
    return etag;
  }

  #requireUnchanged(table: TableName, key: Key, etag: Etag): void {
    if (this.#partition(table, key.partition).get(key.row)?.etag !== etag)
      throw new RowChanged(`${table} ${id(key)}`);
  }
}

function withoutUndefined(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== undefined));
}

function id({ partition, row }: Key): string {
  return JSON.stringify([partition, row]);
}
