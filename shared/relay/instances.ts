import type { Clock } from "../clock.ts";
import { type Row, RowChanged, type Store } from "../storage/store.ts";
import { LIVE_PARTITION } from "./lease.ts";

/** A lease that was last written so long ago has lapsed: by the storage service's clock, and no other. */
const LAPSES_AFTER_MS = 15_000;

/** For how long the list is good. What is posted to an instance that has just gone may be taken so much longer. */
const CACHE_MS = 1_000;

/**
 * After an outage leases look lapsed that nobody could renew. So storage must have been seen up for so long
 * before one is given up for lapsed: its owner had the time to renew it.
 */
const SEEN_UP_FOR_MS = 1_500;
/** What is not looked at for so long may have been down in between. */
const UNSEEN_AFTER_MS = 15_000;
const LOOKS = 5;

/** The instances that hold streams, by their leases. */
export class Instances {
  readonly #store: Store;
  readonly #clock: Clock;
  #list: Promise<readonly Row[]> | undefined;
  #listedAt = -Infinity;
  #upSince = Infinity;

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
    let row = (await this.#find(instance)) ?? (await this.#findAnew(instance));
    for (let look = 1; row !== undefined && hasLapsed(row); look++) {
      if (this.#clock.now() - this.#upSince >= SEEN_UP_FOR_MS || look > LOOKS) {
        return !(await this.#giveUp(row));
      }
      await this.#clock.sleep(SEEN_UP_FOR_MS / LOOKS);
      row = await this.#findAnew(instance);
    }
    return row !== undefined;
  }

  /**
   * Every instance that has a lease, lapsed or not: what is left in its inbox waits for it.
   *
   * @param options.fresh Those that have come in the last second too.
   */
  async all(options: { fresh?: boolean } = {}): Promise<string[]> {
    if (options.fresh === true) this.#list = undefined;
    return (await this.#listed()).map(({ key }) => key.row);
  }

  /** @returns False where the instance has just come back. */
  async #giveUp(row: Row): Promise<boolean> {
    this.#list = undefined;
    try {
      await this.#store.delete("instances", row.key, row.etag);
      return true;
    } catch (error) {
      if (error instanceof RowChanged) return false;
      throw error;
    }
  }

  async #find(instance: string): Promise<Row | undefined> {
    return (await this.#listed()).find(({ key }) => key.row === instance);
  }

  /** It may have come, or have been renewed, after the list was read. */
  #findAnew(instance: string): Promise<Row | undefined> {
    this.#list = undefined;
    return this.#find(instance);
  }

  #listed(): Promise<readonly Row[]> {
    const now = this.#clock.now();
    if (this.#list !== undefined && now - this.#listedAt < CACHE_MS) return this.#list;
    if (now - this.#listedAt > UNSEEN_AFTER_MS) this.#upSince = Infinity;
    const list = this.#read();
    this.#list = list;
    this.#listedAt = now;
    return list;
  }

  async #read(): Promise<readonly Row[]> {
    try {
      const rows = await Array.fromAsync(this.#store.list("instances", LIVE_PARTITION));
      this.#upSince = Math.min(this.#upSince, this.#clock.now());
      return rows;
    } catch (error) {
      this.#list = undefined;
      this.#upSince = Infinity;
      throw error;
    }
  }
}

function hasLapsed({ writtenAt, readAt }: Row): boolean {
  return readAt - writtenAt > LAPSES_AFTER_MS;
}
