import { z } from "zod";
import { sha256 } from "../digest.ts";
import { type Etag, type Key, RowChanged, type Store } from "../storage/store.ts";
import { type Typed, TypedTable } from "../storage/typed-table.ts";
import { unlessThere } from "../storage/unless-there.ts";

/** Work that is due is filed in slots of five minutes, so that it is found without looking at all watches. */
export const SLOT_MS = 5 * 60_000;

/** The current slot still fills up, and so does the one before: clocks differ, and a note is written before its row. */
const UNSETTLED_SLOTS = 2;

/** What a first run looks back to: a day. */
const FIRST_RUN_SLOTS = 288;

const row = z.object({
  uri: z.string(),
  /** The session whose token the source knows. */
  sessionId: z.string(),
  /** The tenant of the person. */
  tenantId: z.string(),
  /** What the source calls it; empty while it is being started, or where that has failed. */
  sourceId: z.string(),
  /** When the source ends it by itself (ms). */
  expiresAt: z.number(),
  /** The hash of the secret that comes with each notification: another one each time that it is begun. */
  secretHash: z.string(),
  /** Grows with each change that is heard of: what was read before it is out of date. */
  version: z.number().int(),
  /** Until when an instance has to itself to start it (ms). */
  startingUntil: z.number(),
  /** Since when nobody has been subscribed (ms); 0 while somebody is. */
  unheldSince: z.number(),
  /** When it is looked at next (ms). */
  dueAt: z.number(),
  /** The source has asked for a new token. */
  needsToken: z.boolean(),
});
type Value = z.infer<typeof row>;
export type WatchRow = Typed<Value>;

const dueRow = z.object({ userKey: z.string(), row: z.string() });
const cursorRow = z.object({ slot: z.number().int() });
const CURSOR = { partition: "due", row: "cursor" };

/** The `watches` table: what is watched for whom, and when which of it is due. */
export class WatchRows {
  readonly #watches;
  readonly #due;
  readonly #cursor;

  constructor(deps: { store: Store }) {
    this.#watches = new TypedTable(deps.store, "watches", row);
    this.#due = new TypedTable(deps.store, "watches", dueRow);
    this.#cursor = new TypedTable(deps.store, "watches", cursorRow);
  }

  find(key: Key): Promise<WatchRow | undefined> {
    return this.#watches.get(key);
  }

  /** A person's watches. */
  of(userKey: string): Promise<WatchRow[]> {
    return Array.fromAsync(this.#watches.list(userKey));
  }

  /** @returns The new row, or undefined where there is one already. */
  async insert(key: Key, value: Value): Promise<WatchRow | undefined> {
    await this.#schedule(key, value.dueAt);
    await unlessThere(this.#watches.insert(key, value));
    const found = await this.find(key);
    // A retry finds what an earlier try has written whose answer was lost.
    return found?.value.secretHash === value.secretHash ? found : undefined;
  }

  /** @returns The row as it is now, or undefined where it has changed since it was read. */
  async replace(found: WatchRow, changes: Partial<Value>): Promise<WatchRow | undefined> {
    const value = { ...found.value, ...changes };
    if (value.dueAt !== found.value.dueAt) await this.#schedule(found.key, value.dueAt);
    try {
      const etag = await this.#watches.replace(found, value);
      return { ...found, value, etag };
    } catch (error) {
      if (error instanceof RowChanged) return undefined;
      throw error;
    }
  }

  /**
   * Changes a row whatever else changes in it.
   *
   * @param change Gets the row as it is, and returns what is different; undefined for nothing.
   * @returns The row as it is then, or undefined where there is none.
   */
  async update(
    key: Key,
    change: (value: Value) => Partial<Value> | undefined,
  ): Promise<WatchRow | undefined> {
    for (;;) {
      const found = await this.find(key);
      const changes = found && change(found.value);
      if (found === undefined || changes === undefined) return found;
      const replaced = await this.replace(found, changes);
      if (replaced !== undefined) return replaced;
    }
  }

  /** @returns Whether it was still the row that was read. */
  async delete(found: WatchRow): Promise<boolean> {
    try {
      return await this.#watches.delete(found.key, found.etag);
    } catch (error) {
      if (error instanceof RowChanged) return false;
      throw error;
    }
  }

  /**
   * Goes through what is due, slot by slot, from where the last run stopped.
   *
   * @param now In milliseconds.
   * @param look Returns false for what is not due: not yet, or not any more, for it was put off.
   * @throws What `look` throws: the next run begins where this one began.
   */
  async forEachDue(now: number, look: (key: Key) => Promise<boolean>): Promise<void> {
    const current = slotOf(now);
    const settled = current - UNSETTLED_SLOTS;
    const last = (await this.#cursor.get(CURSOR))?.value.slot ?? current - FIRST_RUN_SLOTS;
    for (let slot = last + 1; slot <= current; slot++) {
      for await (const { key, value, etag } of this.#due.list(duePartition(slot))) {
        const done = await look({ partition: value.userKey, row: value.row });
        // What was put off is filed in a later slot as well.
        if (done || slot <= settled) await this.#unschedule(key, etag);
      }
    }
    await this.#cursor.put(CURSOR, { slot: Math.max(settled, last) });
  }

  async #unschedule(key: Key, etag: Etag): Promise<void> {
    try {
      await this.#due.delete(key, etag);
    } catch (error) {
      // Put there again meanwhile: the next run sees it.
      if (!(error instanceof RowChanged)) throw error;
    }
  }

  async #schedule({ partition: userKey, row: name }: Key, dueAt: number): Promise<void> {
    const key = { partition: duePartition(slotOf(dueAt)), row: `${userKey} ${name}` };
    await this.#due.put(key, { userKey, row: name });
  }
}

/** @returns Where the watch of a person's resource is. */
export function watchKey(userKey: string, uri: string): Key {
  return { partition: userKey, row: sha256(uri).slice(0, 22) };
}

function slotOf(ms: number): number {
  return Math.floor(ms / SLOT_MS);
}

function duePartition(slot: number): string {
  return `due ${slot}`;
}
