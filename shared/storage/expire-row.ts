import type { Clock } from "../clock.ts";
import { type Key, RowChanged, type Value } from "./store.ts";
import type { Typed, TypedTable } from "./typed-table.ts";

/**
 * Removes a row whose time is over, unless it gets more time at that very moment.
 *
 * @param endOf When a row ends (ms), by what it says itself.
 * @returns When it will end (ms), where it has not yet; undefined where there is no row any more.
 * @throws StorageUnavailable
 */
export async function expireRow<T extends Value>(
  table: TypedTable<T>,
  key: Key,
  clock: Clock,
  endOf: (row: Typed<T>) => number,
): Promise<number | undefined> {
  for (;;) {
    const found = await table.get(key);
    if (found === undefined) return undefined;
    const endsAt = endOf(found);
    if (clock.now() < endsAt) return endsAt;
    try {
      await table.delete(key, found.etag);
      return undefined;
    } catch (error) {
      if (!(error instanceof RowChanged)) throw error;
      // Somebody has just used it: what was read is out of date.
    }
  }
}
