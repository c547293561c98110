/**
 * The seam to storage: rows with an ETag, found by partition and row key. What must happen once
 * (redeem a code, rotate a refresh token) is a `replace` or `delete` that names the ETag it read.
 *
 * The adapter is `table-store.ts`, its in-memory twin `memory-store.ts`; both pass
 * `tests/storage/store-contract.ts`.
 */
export interface Store {
  /** @returns The row, or undefined where there is none. */
  get(table: TableName, key: Key): Promise<Row | undefined>;
  /**
   * @param tries "once" where a second try, after an answer that was lost, could bring back what somebody has
   *   taken out meanwhile.
   * @throws RowExists where the key is taken.
   */
  insert(table: TableName, key: Key, value: Value, tries?: Tries): Promise<Etag>;
  /** @throws RowChanged where the row is gone or its ETag is another. */
  replace(table: TableName, key: Key, value: Value, etag: Etag): Promise<Etag>;
  /** Writes the row whatever was there before. */
  put(table: TableName, key: Key, value: Value): Promise<Etag>;
  /**
   * Deletes the row; with `etag`, only if it is still the one that was read.
   * @returns Whether there was a row to delete.
   * @throws RowChanged where `etag` is given and the row has another.
   */
  delete(table: TableName, key: Key, etag?: Etag): Promise<boolean>;
  /**
   * Deletes several rows of one partition: all of them, or none where one is gone already.
   *
   * @param keys At most {@link BATCH_MAX}.
   * @throws RowChanged where one is gone.
   */
  deleteAll(table: TableName, keys: readonly Key[]): Promise<void>;
  /** The rows of one partition, ordered by row key: every one, or some. */
  list(table: TableName, partition: string, some?: Some): AsyncIterable<Row>;
}

/** How often a write is sent that is not answered. */
export type Tries = "several" | "once";

/** How many rows the table service takes in one transaction. */
export const BATCH_MAX = 100;

/** Every method may throw this: storage did not answer in time, or said that it cannot. */
export class StorageUnavailable extends Error {
  override name = "StorageUnavailable";
}

/** There is a row with this key already. */
export class RowExists extends Error {
  override name = "RowExists";
}

/** The row is gone, or no longer the one that was read. */
export class RowChanged extends Error {
  override name = "RowChanged";
}

export type TableName =
  | "clients"
  | "transactions"
  | "codes"
  | "used"
  | "sessions"
  | "vault"
  | "settings"
  | "keys"
  | "instances"
  | "connections"
  | "inbox"
  | "events"
  | "feeds"
  | "watches"
  | "expiries";

export interface Key {
  readonly partition: string;
  readonly row: string;
}

/** The first rows of those whose key begins in a certain way. */
export interface Some {
  readonly prefix: string;
  readonly max: number;
}

/** The version of a row, as the table service names it. */
export type Etag = string;

/** What a row holds besides its key: flat, so that an operator can read it in any table browser. Undefined is not written. */
export type Value = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Row {
  readonly key: Key;
  readonly etag: Etag;
  readonly value: Value;
  /**
   * When the row was written, and when it was read: both by the clock of the storage service (ms), which
   * is the same for all instances. The second is exact to the second only.
   */
  readonly writtenAt: number;
  readonly readAt: number;
}
