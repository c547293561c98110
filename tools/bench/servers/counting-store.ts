import { AsyncLocalStorage } from "node:async_hooks";
import type {
  Etag,
  Key,
  Row,
  Some,
  Store,
  TableName,
  Value,
} from "../../../shared/storage/store.ts";

/** What is done outside of any request: polling, leases, the checks of streams. */
export const BACKGROUND = "background";

/** Operations by route. */
export type OperationCounts = Record<string, number>;

/** A store that counts what each route asks of it. */
export class CountingStore implements Store {
  readonly #store: Store;
  readonly #route = new AsyncLocalStorage<string>();
  readonly #counts = new Map<string, number>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Counts what `work` asks for, however much later, as the route's. */
  during<T>(route: string, work: () => T): T {
    return this.#route.run(route, work);
  }

  /** @returns What was counted since the last time. */
  take(): OperationCounts {
    const counts = Object.fromEntries(this.#counts);
    this.#counts.clear();
    return counts;
  }

  get(table: TableName, key: Key): Promise<Row | undefined> {
    this.#count();
    return this.#store.get(table, key);
  }

  insert(table: TableName, key: Key, value: Value): Promise<Etag> {
    this.#count();
    return this.#store.insert(table, key, value);
  }

  replace(table: TableName, key: Key, value: Value, etag: Etag): Promise<Etag> {
    this.#count();
    return this.#store.replace(table, key, value, etag);
  }

  put(table: TableName, key: Key, value: Value): Promise<Etag> {
    this.#count();
    return this.#store.put(table, key, value);
  }

  delete(table: TableName, key: Key, etag?: Etag): Promise<boolean> {
    this.#count();
    return this.#store.delete(table, key, etag);
  }

  deleteAll(table: TableName, keys: readonly Key[]): Promise<void> {
    this.#count();
    return this.#store.deleteAll(table, keys);
  }

  list(table: TableName, partition: string, some?: Some): AsyncIterable<Row> {
    this.#count();
    return this.#store.list(table, partition, some);
  }

  #count(): void {
    const route = this.#route.getStore() ?? BACKGROUND;
    this.#counts.set(route, (this.#counts.get(route) ?? 0) + 1);
  }
}
