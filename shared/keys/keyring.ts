import type { JWK } from "jose";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Random } from "../random.ts";
import type { Store, Value } from "../storage/store.ts";
import type { Typed } from "../storage/typed-table.ts";
import { type DataKey, DataKeys, makeDataKey } from "./data-keys.ts";
import { type DataKeyRow, dataKeyRows, type KeyRows, signingKeyRows } from "./key-rows.ts";
import { type Dated, keyInUse, REREAD_AFTER_MS } from "./key-schedule.ts";
import type { KeyWrapper } from "./key-wrapper.ts";
import { makeSigningKey, openSigningKey, type SigningKey } from "./signing-key.ts";

/** An unknown key id makes the keyring read its table again, but not more often than this. */
const UNKNOWN_KEY_INTERVAL_MS = 5_000;

/** When the keys could not be read again, the next try. */
const RETRY_AFTER_MS = 60_000;

/** The keys as they were read. */
interface Held {
  readonly data: readonly Typed<DataKeyRow>[];
  readonly signing: readonly (Dated & { readonly key: SigningKey })[];
  readonly readAt: number;
}

/**
 * The keys of this installation, kept in the `keys` table: data keys, wrapped by the {@link KeyWrapper}, and
 * ES256 signing keys, sealed with a data key. The first instance that finds none makes them, the maintenance
 * timer makes the others (`key-rotation.ts`), and every instance learns of them in time.
 *
 * Every method may throw StorageUnavailable and KeysUnavailable, as long as it has not read the keys yet or needs
 * one that it has not unwrapped.
 */
export class Keyring {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #wrapper: KeyWrapper;
  readonly #log: Log | undefined;
  readonly #dataRows;
  readonly #signingRows;
  readonly #dataKeys: DataKeys;
  #held: Held | undefined;
  #reading: Promise<Held> | undefined;
  #rereadAt = 0;

  constructor(deps: {
    store: Store;
    wrapper: KeyWrapper;
    clock: Clock;
    random: Random;
    log?: Log;
  }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#wrapper = deps.wrapper;
    this.#log = deps.log;
    this.#dataRows = dataKeyRows(deps.store);
    this.#signingRows = signingKeyRows(deps.store);
    this.#dataKeys = new DataKeys(deps.wrapper);
  }

  /** @returns The data key that seals what is written now. */
  async dataKey(): Promise<DataKey> {
    const { data } = await this.#keys();
    return this.#dataKeys.of(keyInUse(data, this.#clock.now()).value);
  }

  /** @returns The data key of that id, or undefined where there is none. */
  async dataKeyOf(kid: string): Promise<DataKey | undefined> {
    const row = await this.#find(({ data }) => data.find(({ value }) => value.kid === kid));
    return row && this.#dataKeys.of(row.value);
  }

  /** @returns The key that signs now. */
  async signingKey(): Promise<SigningKey> {
    const { signing } = await this.#keys();
    return keyInUse(signing, this.#clock.now()).key;
  }

  /** @returns The signing key of that id, or undefined where there is none. */
  async signingKeyOf(kid: string): Promise<SigningKey | undefined> {
    return (await this.#find(({ signing }) => signing.find(({ key }) => key.kid === kid)))?.key;
  }

  /** @returns The public keys for the JWKS document (RFC 7517), with those that have yet to sign. */
  async publicKeys(): Promise<JWK[]> {
    return (await this.#keys()).signing.map(({ key }) => key.publicJwk);
  }

  /** Reads the keys again, and makes the first where there are none. */
  async reread(): Promise<void> {
    await this.#read();
  }

  /** The keys, not much older than {@link REREAD_AFTER_MS}. An outage does not take away those that are held. */
  async #keys(): Promise<Held> {
    if (this.#held === undefined) return this.#read();
    if (this.#clock.now() < this.#rereadAt) return this.#held;
    const held = this.#held;
    return this.#read().catch((error: unknown) => {
      this.#log?.error("keys-not-reread", error);
      this.#rereadAt = this.#clock.now() + RETRY_AFTER_MS;
      return held;
    });
  }

  /** Another instance may have made a key since: an unknown id is looked for in the table, once. */
  async #find<T>(find: (keys: Held) => T | undefined): Promise<T | undefined> {
    const held = await this.#keys();
    const found = find(held);
    const fresh = this.#clock.now() - held.readAt < UNKNOWN_KEY_INTERVAL_MS;
    return found !== undefined || fresh ? found : find(await this.#read());
  }

  /** Whoever asks meanwhile shares the reading; the known keys stay in use until it has succeeded. */
  #read(): Promise<Held> {
    this.#reading ??= this.#readRows()
      .then((held) => {
        this.#rereadAt = held.readAt + REREAD_AFTER_MS;
        this.#held = held;
        return held;
      })
      .finally(() => {
        this.#reading = undefined;
      });
    return this.#reading;
  }

  async #readRows(): Promise<Held> {
    const readAt = this.#clock.now();
    const data = await rowsOrFirst(this.#dataRows, () =>
      makeDataKey({ wrapper: this.#wrapper, random: this.#random }, readAt),
    );
    this.#dataKeys.forgetOthers(data.map(({ value }) => value));
    const keyOf = async (kid: string) => {
      const row = data.find(({ value }) => value.kid === kid);
      return row && this.#dataKeys.of(row.value);
    };
    const rows = await rowsOrFirst(this.#signingRows, async () =>
      makeSigningKey(await this.#dataKeys.of(keyInUse(data, readAt).value), readAt),
    );
    const signing = await Promise.all(
      rows.map(async ({ value }) => ({ value, key: await openSigningKey(value, keyOf) })),
    );
    return { data, signing, readAt };
  }
}

/** Of instances that start together on empty tables, one makes the first key, and all take it. */
async function rowsOrFirst<T extends Value>(
  rows: KeyRows<T>,
  make: () => Promise<T>,
): Promise<Typed<T>[]> {
  const found = await rows.all();
  if (found.length > 0) return found;
  await rows.addAfter(undefined, await make());
  return rows.all();
}
