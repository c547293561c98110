import { AsyncLocalStorage } from "node:async_hooks";
import type {
  Etag,
  Key,
  Row,
  Some,
  Store,
  TableName,
  Tries,
  Value,
} from "../../../shared/storage/store.ts";

/** What is done outside of any request: polling, leases, the checks of streams. */
export const BACKGROUND = "background";

/** How often each operation was asked for, by route, operation and table: `message insert inbox`. */
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
    this.#count("get", table);
    return this.#store.get(table, key);
  }

  insert(table: TableName, key: Key, value: Value, tries?: Tries): Promise<Etag> {
    this.#count("insert", table);
    return this.#store.insert(table, key, value, tries);
  }

  replace(table: TableName, key: Key, value: Value, etag: Etag): Promise<Etag> {
    this.#count("replace", table);
    return this.#store.replace(table, key, value, etag);
  }

  put(table: TableName, key: Key, value: Value): Promise<Etag> {
    this.#count("put", table);
    return this.#store.put(table, key, value);
  }

  delete(table: TableName, key: Key, etag?: Etag): Promise<boolean> {
    this.#count("delete", table);
    return this.#store.delete(table, key, etag);
  }

  deleteAll(table: TableName, keys: readonly Key[]): Promise<void> {
    this.#count("deleteAll", table);
    return this.#store.deleteAll(table, keys);
  }

  list(table: TableName, partition: string, some?: Some): AsyncIterable<Row> {
    this.#count("list", table);
    return this.#store.list(table, partition, some);
  }

  #count(operation: string, table: TableName): void {
    const route = this.#route.getStore() ?? BACKGROUND;
    const what = `${route} ${operation} ${table}`;
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }
}

/** @returns How many of the operations are a route's, and of these one kind, as in `background list inbox`. */
export function operationsOf(counts: OperationCounts, route: string, kind = ""): number {
  const these = Object.entries(counts).filter(
    ([what]) => what === `${route} ${kind}` || (kind === "" && what.startsWith(`${route} `)),
  );
  return these.reduce((sum, [, count]) => sum + count, 0);
}

/** @returns Sums by route. */
export function byRoute(counts: OperationCounts): OperationCounts {
  const routes = new Set(Object.keys(counts).map((what) => what.split(" ")[0] ?? ""));
  return Object.fromEntries([...routes].map((route) => [route, operationsOf(counts, route)]));
}
