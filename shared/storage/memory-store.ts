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
  #writes = 0;

  async get(table: TableName, key: Key): Promise<Row | undefined> {
    return this.#rows(table).get(id(key));
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

  async *list(table: TableName, partition: string): AsyncIterable<Row> {
    const rows = [...this.#rows(table).values()].filter((row) => row.key.partition === partition);
    yield* rows.toSorted((a, b) => (a.key.row < b.key.row ? -1 : 1));
  }

  #rows(table: TableName): Map<string, Row> {
    const rows = this.#tables.get(table) ?? new Map<string, Row>();
    this.#tables.set(table, rows);
    return rows;
  }

  #write(table: TableName, key: Key, value: Value): Etag {
    const etag = `W/"${++this.#writes}"`;
    this.#rows(table).set(id(key), { key: { ...key }, etag, value: withoutUndefined(value) });
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
