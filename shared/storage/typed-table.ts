import type { z } from "zod";
import type { Etag, Key, Row, Some, Store, TableName, Tries, Value } from "./store.ts";

/** Written into every row, so that a later release can tell what it reads. */
const SCHEMA_VERSION = 1;

/** A row whose value has been checked. */
export interface Typed<T> {
  readonly key: Key;
  readonly etag: Etag;
  readonly value: T;
  /** See {@link Row}. */
  readonly writtenAt: number;
  readonly readAt: number;
  /** What else is in the row: columns of a release that is newer than this one. */
  readonly unknown: Value;
}

/**
 * One table through one schema: what is read has the shape that the code believes it has. A row that has not is a
 * ZodError; beyond that, every method throws what the same one of {@link Store} does.
 */
export class TypedTable<T extends Value> {
  readonly #store: Store;
  readonly #name: TableName;
  readonly #schema: z.ZodType<T>;

  constructor(store: Store, name: TableName, schema: z.ZodType<T>) {
    this.#store = store;
    this.#name = name;
    this.#schema = schema;
  }

  /** See {@link Store.get}. */
  async get(key: Key): Promise<Typed<T> | undefined> {
    const row = await this.#store.get(this.#name, key);
    return row && this.#typed(row);
  }

  /** See {@link Store.insert}. */
  insert(key: Key, value: T, tries?: Tries): Promise<Etag> {
    return this.#store.insert(this.#name, key, versioned(value), tries);
  }

  /** See {@link Store.replace}. */
  replace(row: Typed<T>, value: T): Promise<Etag> {
    // While two releases run side by side, the older one keeps what the newer one has added.
    return this.#store.replace(
      this.#name,
      row.key,
      versioned({ ...row.unknown, ...value }),
      row.etag,
    );
  }

  /** See {@link Store.put}. */
  put(key: Key, value: T): Promise<Etag> {
    return this.#store.put(this.#name, key, versioned(value));
  }

  /** Deletes the row, conditionally where `etag` is given. See {@link Store.delete}. */
  delete(key: Key, etag?: Etag): Promise<boolean> {
    return this.#store.delete(this.#name, key, etag);
  }

  /** See {@link Store.list}. */
  async *list(partition: string, some?: Some): AsyncIterable<Typed<T>> {
    for await (const row of this.#store.list(this.#name, partition, some)) {
      yield this.#typed(row);
    }
  }

  #typed(row: Row): Typed<T> {
    const value = this.#schema.parse(row.value);
    const others = Object.entries(row.value).filter(([name]) => !(name in value));
    const { key, etag, writtenAt, readAt } = row;
    return { key, etag, writtenAt, readAt, value, unknown: Object.fromEntries(others) };
  }
}

/** The version of a row never goes back. */
function versioned(value: Value): Value {
  const found = value["schemaVersion"];
  const newer = typeof found === "number" && found > SCHEMA_VERSION;
  return { ...value, schemaVersion: newer ? found : SCHEMA_VERSION };
}
