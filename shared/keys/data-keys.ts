import { type Random, randomId } from "../random.ts";
import type { DataKeyRow } from "./key-rows.ts";
import { DATA_KEY_BYTES, type KeyWrapper, type WrappedKey } from "./key-wrapper.ts";

/** What seals and authenticates everything that is kept, by way of a derived key for each purpose. */
export interface DataKey {
  readonly kid: string;
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** Data keys in clear: each is unwrapped when it is first needed, and once. */
export class DataKeys {
  readonly #wrapper: KeyWrapper;
  readonly #unwrapped = new Map<string, Promise<DataKey>>();

  constructor(wrapper: KeyWrapper) {
    this.#wrapper = wrapper;
  }

  /** @returns The key of a row. @throws KeysUnavailable; Error where another wrapping key has wrapped it. */
  of(row: DataKeyRow): Promise<DataKey> {
    const { kid } = row;
    const unwrapped =
      this.#unwrapped.get(kid) ??
      this.#wrapper.unwrap(row).then(
        (secret) => ({ kid, secret }),
        (error: unknown) => {
          this.#unwrapped.delete(kid);
          throw error;
        },
      );
    this.#unwrapped.set(kid, unwrapped);
    return unwrapped;
  }

  /** Forgets the keys that have been removed. */
  forgetOthers(rows: readonly DataKeyRow[]): void {
    const kids = new Set(rows.map((row) => row.kid));
    for (const kid of this.#unwrapped.keys()) {
      if (!kids.has(kid)) this.#unwrapped.delete(kid);
    }
  }
}

/** Makes a data key and wraps it. @param notBefore From when on it is used, in milliseconds since the epoch. */
export async function makeDataKey(
  deps: { wrapper: KeyWrapper; random: Random },
  notBefore: number,
): Promise<DataKeyRow> {
  const secret = deps.random.bytes(DATA_KEY_BYTES);
  return { kid: randomId(deps.random), ...(await wrapSafely(deps.wrapper, secret)), notBefore };
}

/** Wraps, and looks whether it can be unwrapped: a data key that cannot takes all that it sealed with it. */
export async function wrapSafely(
  wrapper: KeyWrapper,
  secret: Uint8Array<ArrayBuffer>,
): Promise<WrappedKey> {
  const wrapped = await wrapper.wrap(secret);
  const unwrapped = await wrapper.unwrap(wrapped);
  if (Buffer.compare(unwrapped, secret) !== 0) {
    throw new Error(`${wrapped.wrappedWith} unwrapped something else than it had wrapped`);
  }
  return wrapped;
}
