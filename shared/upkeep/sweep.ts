import { z } from "zod";
import { batches } from "../batches.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Expiries, Expiry, ExpiringTable } from "../storage/expiries.ts";
import { hourOf, hourPartitions } from "../storage/hour-partition.ts";
import { type Key, StorageUnavailable, type Store, type TableName } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";
import type { ExpireRow } from "./expire-rows.ts";

/** Tables whose rows are filed under the hour of their end. */
const HOURLY_TABLES: readonly TableName[] = ["transactions", "codes", "used"];

/** What a first run looks back to. */
const FIRST_RUN_HOURS = 24;

/** One run does so much, give or take a batch; the next goes on where it stopped. More than an hour brings. */
const MAX_ROWS = 100_000;

/** How many rows are removed at the same time. */
const AT_ONCE = 16;

/** When a row that could not be removed is looked at again. */
const RETRY_MS = 24 * 3_600_000;

const CURSOR = { partition: "cursor", row: "swept" };
const cursorRow = z.object({ hour: z.number().int() });

/** The work of removing one row. @returns Whether there was anything to remove. */
type Removal = () => Promise<boolean>;

/**
 * Removes what has ended, hour by hour, from where the last run stopped to the last full hour. Two at once
 * do the same work twice, and no harm.
 */
export class Sweep {
  readonly #store: Store;
  readonly #expiries: Expiries;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #expire: Readonly<Record<ExpiringTable, ExpireRow>>;
  readonly #maxRows: number;
  readonly #cursor;

  /**
   * @param deps.expire By table: removes the row if it has ended, or returns when it will (ms).
   * @param deps.maxRows How many rows one run looks at; tests need fewer.
   */
  constructor(deps: {
    store: Store;
    expiries: Expiries;
    clock: Clock;
    log: Log;
    expire: Readonly<Record<ExpiringTable, ExpireRow>>;
    maxRows?: number;
  }) {
    this.#store = deps.store;
    this.#expiries = deps.expiries;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#expire = deps.expire;
    this.#maxRows = deps.maxRows ?? MAX_ROWS;
    this.#cursor = new TypedTable(deps.store, "expiries", cursorRow);
  }

  /**
   * @returns How many rows were removed.
   * @throws StorageUnavailable The next run begins with the hour that this one did not finish.
   */
  async run(): Promise<number> {
    const current = hourOf(this.#clock.now());
    let seen = 0;
    let removed = 0;
    for (let hour = (await this.#lastSwept(current)) + 1; hour < current; hour++) {
      for await (const batch of batches(this.#endedIn(hour), AT_ONCE)) {
        // What was seen is gone from this hour, so that what is left is all that the next run finds.
        if (seen >= this.#maxRows) return removed;
        removed += await removeAll(batch);
        seen += batch.length;
      }
      await this.#cursor.put(CURSOR, { hour });
    }
    return removed;
  }

  /** @returns The last hour that was swept. */
  async #lastSwept(current: number): Promise<number> {
    const cursor = await this.#cursor.get(CURSOR);
    if (cursor !== undefined) return cursor.value.hour;
    const hour = current - FIRST_RUN_HOURS - 1;
    // Kept from the start: a first run that does not finish an hour must not lose it.
    await this.#cursor.put(CURSOR, { hour });
    return hour;
  }

  async *#endedIn(hour: number): AsyncIterable<Removal> {
    for (const table of HOURLY_TABLES) {
      for (const partition of hourPartitions(hour)) {
        for await (const { key } of this.#store.list(table, partition)) {
          yield () => this.#store.delete(table, key);
        }
      }
    }
    for await (const noted of this.#expiries.of(hour)) yield () => this.#removeNoted(noted);
  }

  async #removeNoted(noted: Noted): Promise<boolean> {
    const againAt = await this.#expireOrPostpone(noted);
    // Noted again before this note goes: the row is never without one.
    if (againAt !== undefined) await this.#expiries.note(noted, againAt);
    await this.#expiries.forget(noted.note);
    return againAt === undefined;
  }

  /** @returns When to look at the row again (ms), or undefined where it is gone. */
  async #expireOrPostpone({ table, key, note }: Noted): Promise<number | undefined> {
    try {
      return await this.#expire[table](key);
    } catch (error) {
      if (error instanceof StorageUnavailable) throw error;
      // One row that does not parse must not keep the others, and all hours to come.
      this.#log.error("sweep-row-failed", error, { table, key: note.row });
      return this.#clock.now() + RETRY_MS;
    }
  }
}

type Noted = Expiry & { readonly note: Key };

/**
 * @returns How many of the rows were there.
 * @throws What the first that failed has thrown, after all have come to an end.
 */
async function removeAll(removals: readonly Removal[]): Promise<number> {
  const results = await Promise.allSettled(removals.map((remove) => remove()));
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return results.filter((result) => result.status === "fulfilled" && result.value).length;
}
