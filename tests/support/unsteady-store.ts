import { setImmediate } from "node:timers/promises";
import {
  type Etag,
  type Key,
  type Row,
  type Some,
  StorageUnavailable,
  type Store,
  type TableName,
  type Tries,
  type Value,
} from "../../shared/storage/store.ts";

/**
 * What becomes of an operation. "lost": it is carried out, its answer is lost, and the library sends it again.
 * "unanswered": it is carried out, and nobody says so. "refused": it is not.
 */
export type Mishap = "none" | "lost" | "unanswered" | "refused";

/** A store as an instance may find it that is far away: slow, with answers lost, out of reach at times. */
export class UnsteadyStore implements Store {
  readonly #store: Store;
  readonly #mishap: () => Mishap;
  /** For how many rounds of the event loop the next answer is on its way. */
  readonly #delay: () => number;
  #frozen: PromiseWithResolvers<void> | undefined;
  down = false;

  constructor(store: Store, chance: { mishap: () => Mishap; delay: () => number }) {
    this.#store = store;
    this.#mishap = chance.mishap;
    this.#delay = chance.delay;
  }

  /** Nothing arrives any more, and nothing fails: the instance is frozen, or gone. */
  freeze(): void {
    this.#frozen ??= Promise.withResolvers();
  }

  thaw(): void {
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  get(table: TableName, key: Key): Promise<Row | undefined> {
    return this.#run(() => this.#store.get(table, key));
  }

  insert(table: TableName, key: Key, value: Value, tries?: Tries): Promise<Etag> {
    return this.#run(() => this.#store.insert(table, key, value), tries);
  }

  replace(table: TableName, key: Key, value: Value, etag: Etag): Promise<Etag> {
    return this.#run(() => this.#store.replace(table, key, value, etag));
  }

  put(table: TableName, key: Key, value: Value): Promise<Etag> {
    return this.#run(() => this.#store.put(table, key, value));
  }

  delete(table: TableName, key: Key, etag?: Etag): Promise<boolean> {
    return this.#run(() => this.#store.delete(table, key, etag));
  }

  deleteAll(table: TableName, keys: readonly Key[]): Promise<void> {
    return this.#run(() => this.#store.deleteAll(table, keys));
  }

  async *list(table: TableName, partition: string, some?: Some): AsyncIterable<Row> {
    yield* await this.#run(() => Array.fromAsync(this.#store.list(table, partition, some)));
  }

  async #run<T>(operation: () => Promise<T>, tries: Tries = "several"): Promise<T> {
    await this.#onItsWay();
    const mishap = this.down ? "refused" : this.#mishap();
    if (mishap === "refused") throw new StorageUnavailable("out of reach");
    let answer = operation();
    if (mishap === "lost" && tries === "several") {
      await Promise.allSettled([answer]);
      await this.#onItsWay();
      answer = operation();
    }
    // Its failure is known when it arrives.
    answer.catch(() => undefined);
    await this.#onItsWay();
    if (mishap === "unanswered" || (mishap === "lost" && tries === "once"))
      throw new StorageUnavailable("nobody answered");
    return answer;
  }

  async #onItsWay(): Promise<void> {
    for (let rounds = this.#delay(); rounds > 0; rounds--) await setImmediate();
    await this.#frozen?.promise;
  }
}
