import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import { type Random, randomId } from "../random.ts";
import { RowExists, type Store } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";
import { DATA_KEY_BYTES, type KeyWrapper } from "./key-wrapper.ts";
import { open, seal } from "./seal.ts";

/** Access tokens are signed with this algorithm and with no other. */
export const SIGNING_ALGORITHM = "ES256";

/** Rows are numbered: an instance that makes the next key and one that made it already collide. */
const FIRST = "000001";

/** An unknown key id makes the keyring read its table again, but not more often than this. */
const RELOAD_INTERVAL_MS = 5_000;

const dataKeyRow = z.object({ kid: z.string(), wrappedWith: z.string(), wrapped: z.string() });
const signingKeyRow = z.object({ kid: z.string(), publicJwk: z.string(), sealed: z.string() });
const jwk = z.looseObject({ kty: z.literal("EC") });

export interface DataKey {
  readonly kid: string;
  readonly secret: Uint8Array<ArrayBuffer>;
}

export interface SigningKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  readonly privateKey: CryptoKey;
}

interface Keys {
  readonly data: ReadonlyMap<string, DataKey>;
  readonly signing: ReadonlyMap<string, SigningKey>;
  readonly currentData: DataKey;
  readonly currentSigning: SigningKey;
  readonly readAt: number;
}

/**
 * The keys of this installation, kept in the `keys` table: data keys, wrapped by the
 * {@link KeyWrapper}, and ES256 signing keys, sealed with a data key. The first instance that finds
 * none makes them.
 */
export class Keyring {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #wrapper: KeyWrapper;
  readonly #dataKeys;
  readonly #signingKeys;
  #keys: Promise<Keys> | undefined;
  #reloading: Promise<Keys> | undefined;

  constructor(deps: { store: Store; wrapper: KeyWrapper; clock: Clock; random: Random }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#wrapper = deps.wrapper;
    this.#dataKeys = new TypedTable(deps.store, "keys", dataKeyRow);
    this.#signingKeys = new TypedTable(deps.store, "keys", signingKeyRow);
  }

  /** @returns The data key that seals what is written now. */
  async dataKey(): Promise<DataKey> {
    return (await this.#load()).currentData;
  }

  /** @returns The data key of that id, or undefined where there is none. */
  dataKeyOf(kid: string): Promise<DataKey | undefined> {
    return this.#find((keys) => keys.data.get(kid));
  }

  /** @returns The key that signs now. */
  async signingKey(): Promise<SigningKey> {
    return (await this.#load()).currentSigning;
  }

  /** @returns The signing key of that id, or undefined where there is none. */
  signingKeyOf(kid: string): Promise<SigningKey | undefined> {
    return this.#find((keys) => keys.signing.get(kid));
  }

  /** @returns The public keys for the JWKS document (RFC 7517). */
  async publicKeys(): Promise<JWK[]> {
    return [...(await this.#load()).signing.values()].map((key) => key.publicJwk);
  }

  /** Another instance may have made a key since: an unknown id is looked for in the table, once. */
  async #find<T>(find: (keys: Keys) => T | undefined): Promise<T | undefined> {
    const keys = await this.#load();
    const found = find(keys);
    if (found !== undefined || this.#clock.now() - keys.readAt < RELOAD_INTERVAL_MS) return found;
    return find(await this.#reload());
  }

  /** Whoever asks meanwhile shares the reading; the known keys stay in use until it has succeeded. */
  #reload(): Promise<Keys> {
    this.#reloading ??= this.#read()
      .then((keys) => {
        this.#keys = Promise.resolve(keys);
        return keys;
      })
      .finally(() => {
        this.#reloading = undefined;
      });
    return this.#reloading;
  }

  #load(): Promise<Keys> {
    this.#keys ??= this.#read().catch((error: unknown) => {
      this.#keys = undefined;
      throw error;
    });
    return this.#keys;
  }

  async #read(): Promise<Keys> {
    const readAt = this.#clock.now();
    const data = await this.#readDataKeys();
    const currentData = last(data) ?? (await this.#makeDataKey());
    data.set(currentData.kid, currentData);
    const signing = await this.#readSigningKeys(data);
    const currentSigning = last(signing) ?? (await this.#makeSigningKey(currentData));
    signing.set(currentSigning.kid, currentSigning);
    return { data, signing, currentData, currentSigning, readAt };
  }

  async #readDataKeys(): Promise<Map<string, DataKey>> {
    const keys = new Map<string, DataKey>();
    for await (const { value } of this.#dataKeys.list("data")) {
      keys.set(value.kid, { kid: value.kid, secret: await this.#wrapper.unwrap(value) });
    }
    return keys;
  }

  async #readSigningKeys(data: ReadonlyMap<string, DataKey>): Promise<Map<string, SigningKey>> {
    const keys = new Map<string, SigningKey>();
    for await (const { value } of this.#signingKeys.list("signing")) {
      const secret = await open((kid) => data.get(kid), "signing-key", value.kid, value.sealed);
      keys.set(value.kid, await toSigningKey(value.kid, value.publicJwk, secret));
    }
    return keys;
  }

  async #makeDataKey(): Promise<DataKey> {
    const secret = this.#random.bytes(DATA_KEY_BYTES);
    const key = { kid: randomId(this.#random), secret };
    const row = { kid: key.kid, ...(await this.#wrapper.wrap(secret)) };
    try {
      await this.#dataKeys.insert({ partition: "data", row: FIRST }, row);
      return key;
    } catch (error) {
      return this.#madeElsewhere(error, async () => last(await this.#readDataKeys()));
    }
  }

  async #makeSigningKey(dataKey: DataKey): Promise<SigningKey> {
    const pair = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
    const publicJwk = await exportJWK(pair.publicKey);
    const kid = await calculateJwkThumbprint(publicJwk);
    const secret = JSON.stringify(await exportJWK(pair.privateKey));
    const row = {
      kid,
      publicJwk: JSON.stringify({ ...publicJwk, kid, alg: SIGNING_ALGORITHM, use: "sig" }),
      sealed: await seal(dataKey, "signing-key", kid, secret),
    };
    try {
      await this.#signingKeys.insert({ partition: "signing", row: FIRST }, row);
      return await toSigningKey(kid, row.publicJwk, secret);
    } catch (error) {
      const data = new Map([[dataKey.kid, dataKey]]);
      return this.#madeElsewhere(error, async () => last(await this.#readSigningKeys(data)));
    }
  }

  /** Two instances started on empty tables: the one that came second takes what the first made. */
  async #madeElsewhere<T>(error: unknown, read: () => Promise<T | undefined>): Promise<T> {
    if (!(error instanceof RowExists)) throw error;
    const key = await read();
    if (key === undefined) throw error;
    return key;
  }
}

/** The newest key: rows come in the order of their numbers. */
function last<T>(keys: ReadonlyMap<string, T>): T | undefined {
  return [...keys.values()].at(-1);
}

async function toSigningKey(kid: string, publicJwk: string, secret: string): Promise<SigningKey> {
  const privateKey = await importJWK(jwk.parse(JSON.parse(secret)), SIGNING_ALGORITHM);
  if (privateKey instanceof Uint8Array) throw new TypeError(`signing key ${kid} is no key pair`);
  return { kid, publicJwk: jwk.parse(JSON.parse(publicJwk)), privateKey };
}
