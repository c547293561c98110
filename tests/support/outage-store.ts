import {
  type Etag,
  type Key,
  type Row,
  StorageUnavailable,
  type Some,
  type Store,
  type TableName,
  type Tries,
  type Value,
} from "../../shared/storage/store.ts";

/** A store that a test can take away, and that counts what reaches it. */
export class OutageStore implements Store {
  readonly #store: Store;
  /** Every operation fails while this is set. */
  down = false;
  operations = 0;
  readonly operationsOn = new Map<TableName, number>();

  constructor(store: Store) {
    this.#store = store;
  }

  async get(table: TableName, key: Key): Promise<Row | undefined> {
    this.#arrive(table);
    return this.#store.get(table, key);
  }

  async insert(table: TableName, key: Key, value: Value, tries?: Tries): Promise<Etag> {
    this.#arrive(table);
    return this.#store.insert(table, key, value, tries);
  }

  async replace(table: TableName, key: Key, value: Value, etag: Etag): Promise<Etag> {
    this.#arrive(table);
    return this.#store.replace(table, key, value, etag);
  }

  async put(table: TableName, key: Key, value: Value): Promise<Etag> {
    this.#arrive(table);
    return this.#store.put(table, key, value);
  }

  async delete(table: TableName, key: Key, etag?: Etag): Promise<boolean> {
    this.#arrive(table);
    return this.#store.delete(table, key, etag);
  }

  async deleteAll(table: TableName, keys: readonly Key[]): Promise<void> {
    this.#arrive(table);
    return this.#store.deleteAll(table, keys);
  }

  async *list(table: TableName, partition: string, some?: Some): AsyncIterable<Row> {
    this.#arrive(table);
    yield* this.#store.list(table, partition, some);
  }

  #arrive(table: TableName): void {
    this.operations += 1;
    this.operationsOn.set(table, (this.operationsOn.get(table) ?? 0) + 1);
    if (this.down) throw new StorageUnavailable("switched off by the test");
  }
}
