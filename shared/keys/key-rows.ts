import { z } from "zod";
import { RowChanged, RowExists, type Store, type Value } from "../storage/store.ts";
import { type Typed, TypedTable } from "../storage/typed-table.ts";

const NUMBER_DIGITS = 6;

const dataKeyRow = z.object({
  kid: z.string(),
  wrappedWith: z.string(),
  wrapped: z.string(),
  /** From when on it is the key in use, unless there is a newer one. */
  notBefore: z.number(),
});

const signingKeyRow = z.object({
  kid: z.string(),
  /** For people who look at the table. What is trusted is sealed. */
  publicJwk: z.string(),
  sealed: z.string(),
  /** From when on it signs, unless there is a newer one. */
  notBefore: z.number(),
});

export type DataKeyRow = z.infer<typeof dataKeyRow>;
export type SigningKeyRow = z.infer<typeof signingKeyRow>;

/**
 * The rows of one kind of key, in a partition of the `keys` table. They are numbered: an instance that adds
 * the next key and one that has added it already collide, and both end with the same.
 */
export class KeyRows<T extends Value> {
  readonly #table: TypedTable<T>;
  readonly partition: string;

  constructor(table: TypedTable<T>, partition: string) {
    this.#table = table;
    this.partition = partition;
  }

  /** In the order of their numbers. */
  all(): Promise<Typed<T>[]> {
    return Array.fromAsync(this.#table.list(this.partition));
  }

  /** @returns Whether it was added: false where another instance was first, whose key counts. */
  async addAfter(newest: Typed<T> | undefined, value: T): Promise<boolean> {
    const number = newest === undefined ? 1 : Number(newest.key.row) + 1;
    const row = String(number).padStart(NUMBER_DIGITS, "0");
    return succeeds(() => this.#table.insert({ partition: this.partition, row }, value));
  }

  /** @returns Whether it was replaced: false where another instance has changed it since. */
  replace(row: Typed<T>, value: T): Promise<boolean> {
    return succeeds(() => this.#table.replace(row, value));
  }

  /** @returns Whether it was removed: false where another instance has changed or removed it. */
  remove(row: Typed<T>): Promise<boolean> {
    return succeeds(() => this.#table.delete(row.key, row.etag));
  }
}

/** @returns The rows of the data keys, wrapped. */
export function dataKeyRows(store: Store): KeyRows<DataKeyRow> {
  return new KeyRows(new TypedTable(store, "keys", dataKeyRow), "data");
}

/** @returns The rows of the signing keys, sealed. */
export function signingKeyRows(store: Store): KeyRows<SigningKeyRow> {
  return new KeyRows(new TypedTable(store, "keys", signingKeyRow), "signing");
}

async function succeeds(write: () => Promise<string | boolean>): Promise<boolean> {
  try {
    return (await write()) !== false;
  } catch (error) {
    if (error instanceof RowExists || error instanceof RowChanged) return false;
    throw error;
  }
}
