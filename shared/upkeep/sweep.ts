import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Expiries, ExpiringTable } from "../storage/expiries.ts";
import { hourOf, hourPartitions } from "../storage/hour-partition.ts";
import type { Key, Store, TableName } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";

/** Tables whose rows are filed under the hour of their end. */
const HOURLY_TABLES: readonly TableName[] = ["transactions", "codes", "used"];

/** What a first run looks back to. */
const FIRST_RUN_HOURS = 24;

/** One run does so much; the next goes on where it stopped. */
const MAX_ROWS = 10_000;

const CURSOR = { partition: "cursor", row: "swept" };
const cursorRow = z.object({ hour: z.number().int() });

/** Ends a row if it has ended. */
export type ExpireRow = (key: Key) => Promise<number | undefined>;

/**
 * Removes what has ended, hour by hour, from where the last run stopped to the last full hour. Two at once
 * do the same work twice, and no harm.
 */
export class Sweep {
  readonly #store: Store;
  readonly #expiries: Expiries;
  readonly #clock: Clock;
  readonly #expire: Readonly<Record<ExpiringTable, ExpireRow>>;
  readonly #cursor;

  /** @param deps.expire By table: removes the row if it has ended, or returns when it will (ms). */
  constructor(deps: {
    store: Store;
    expiries: Expiries;
    clock: Clock;
    expire: Readonly<Record<ExpiringTable, ExpireRow>>;
  }) {
    this.#store = deps.store;
    this.#expiries = deps.expiries;
    this.#clock = deps.clock;
    this.#expire = deps.expire;
    this.#cursor = new TypedTable(deps.store, "expiries", cursorRow);
  }

  /** @returns How many rows were removed. */
  async run(): Promise<number> {
    const current = hourOf(this.#clock.now());
    const swept = (await this.#cursor.get(CURSOR))?.value.hour ?? current - FIRST_RUN_HOURS;
    let removed = 0;
    for (let hour = swept + 1; hour < current && removed < MAX_ROWS; hour++) {
      removed += await this.#sweepHour(hour);
      await this.#cursor.put(CURSOR, { hour });
    }
    return removed;
  }

  async #sweepHour(hour: number): Promise<number> {
    let removed = 0;
    for (const table of HOURLY_TABLES) {
      for (const partition of hourPartitions(hour)) {
        for await (const { key } of this.#store.list(table, partition)) {
          if (await this.#store.delete(table, key)) removed++;
        }
      }
    }
    for await (const { table, key, note } of this.#expiries.of(hour)) {
      const endsAt = await this.#expire[table](key);
      // It has slid: noted again for its new end, before this note goes.
      if (endsAt === undefined) removed++;
      else await this.#expiries.note({ table, key }, endsAt);
      await this.#expiries.forget(note);
    }
    return removed;
  }
}
