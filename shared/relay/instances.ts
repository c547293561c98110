import type { Clock } from "../clock.ts";
import { type Row, RowChanged, type Store } from "../storage/store.ts";
import { LIVE_PARTITION } from "./lease.ts";

/** A lease that was last written so long ago has lapsed: by the storage service's clock, and no other. */
const LAPSES_AFTER_MS = 15_000;

/** For how long the list is good. What is posted to an instance that has just gone may be taken so much longer. */
const CACHE_MS = 1_000;

/** The instances that hold streams, by their leases. */
export class Instances {
  readonly #store: Store;
  readonly #clock: Clock;
  #list: Promise<readonly Row[]> | undefined;
  #listedAt = -Infinity;

  constructor(deps: { store: Store; clock: Clock }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
  }

  /**
   * Whether an instance is there to receive messages. One whose lease has lapsed is given up for all: its
   * row goes, which it will notice before it runs anything.
   *
   * @throws StorageUnavailable
   */
  async isLive(instance: string): Promise<boolean> {
    const row = (await this.#find(instance)) ?? (await this.#findAnew(instance));
    if (row === undefined) return false;
    if (!hasLapsed(row)) return true;
    try {
      await this.#store.delete("instances", row.key, row.etag);
      return false;
    } catch (error) {
      // It has just come back.
      if (error instanceof RowChanged) return true;
      throw error;
    } finally {
      this.#list = undefined;
    }
  }

  /** Every instance that has a lease, lapsed or not: what is left in its inbox waits for it. */
  async all(): Promise<string[]> {
    return (await this.#listed()).map(({ key }) => key.row);
  }

  async #find(instance: string): Promise<Row | undefined> {
    return (await this.#listed()).find(({ key }) => key.row === instance);
  }

  /** It may have come after the list was read. */
  #findAnew(instance: string): Promise<Row | undefined> {
    this.#list = undefined;
    return this.#find(instance);
  }

  #listed(): Promise<readonly Row[]> {
    const now = this.#clock.now();
    if (this.#list !== undefined && now - this.#listedAt < CACHE_MS) return this.#list;
    const list = this.#read();
    this.#list = list;
    this.#listedAt = now;
    list.catch(() => {
      if (this.#list === list) this.#list = undefined;
    });
    return list;
  }

  async #read(): Promise<readonly Row[]> {
    return Array.fromAsync(this.#store.list("instances", LIVE_PARTITION));
  }
}

function hasLapsed({ writtenAt, readAt }: Row): boolean {
  return readAt - writtenAt > LAPSES_AFTER_MS;
}
