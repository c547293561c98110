import {
  type Etag,
  type Key,
  type Row,
  RowChanged,
  RowExists,
  type Some,
  type Store,
  type TableName,
  type Tries,
  type Value,
} from "../storage/store.ts";
import { reasonOf, type Telemetry } from "./telemetry.ts";

/**
 * A store whose operations are spans, as far as a request waits for them: those of loops and timers are not.
 * Table, operation and outcome, never a key: some keys are people's.
 */
export class TracedStore implements Store {
  readonly #store: Store;
  readonly #telemetry: Telemetry;

  constructor(store: Store, telemetry: Telemetry) {
    this.#store = store;
    this.#telemetry = telemetry;
  }

  get(table: TableName, key: Key): Promise<Row | undefined> {
    return this.#traced("get", table, () => this.#store.get(table, key));
  }

  insert(table: TableName, key: Key, value: Value, tries?: Tries): Promise<Etag> {
    return this.#traced("insert", table, () => this.#store.insert(table, key, value, tries));
  }

  replace(table: TableName, key: Key, value: Value, etag: Etag): Promise<Etag> {
    return this.#traced("replace", table, () => this.#store.replace(table, key, value, etag));
  }

  put(table: TableName, key: Key, value: Value): Promise<Etag> {
    return this.#traced("put", table, () => this.#store.put(table, key, value));
  }

  delete(table: TableName, key: Key, etag?: Etag): Promise<boolean> {
    return this.#traced("delete", table, () => this.#store.delete(table, key, etag));
  }

  deleteAll(table: TableName, keys: readonly Key[]): Promise<void> {
    return this.#traced("deleteAll", table, () => this.#store.deleteAll(table, keys));
  }

  async *list(table: TableName, partition: string, some?: Some): AsyncIterable<Row> {
    const span = this.#begin("list", table);
    try {
      yield* this.#store.list(table, partition, some);
    } catch (error) {
      span.fail(reasonOf(error));
      throw error;
    } finally {
      span.end();
    }
  }

  async #traced<T>(operation: string, table: TableName, work: () => Promise<T>): Promise<T> {
    const span = this.#begin(operation, table);
    try {
      return await work();
    } catch (error) {
      // That somebody else was first is an answer like any other.
      if (error instanceof RowChanged || error instanceof RowExists) {
        span.set({ outcome: error.name });
      } else {
        span.fail(reasonOf(error));
      }
      throw error;
    } finally {
      span.end();
    }
  }

  #begin(operation: string, table: TableName) {
    return this.#telemetry.child({
      name: `${operation} ${table}`,
      kind: "client",
      attributes: {
        "db.system.name": "azure.table",
        "db.operation.name": operation,
        "db.collection.name": table,
      },
    });
  }
}
