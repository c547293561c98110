import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { Store } from "../storage/store.ts";
import { makeDataKey, wrapSafely } from "./data-keys.ts";
import { dataKeyRows, signingKeyRows } from "./key-rows.ts";
import { DATA_KEY_POLICY, nextKeyDue, retiredKeys, SIGNING_KEY_POLICY } from "./key-schedule.ts";
import type { KeyWrapper } from "./key-wrapper.ts";
import type { Keyring } from "./keyring.ts";
import { sealedWith } from "./seal.ts";
import { makeSigningKey, sealAnew } from "./signing-key.ts";

export interface KeyChange {
  /** Kind and id, such as `signing NzbLsX…`. */
  readonly key: string;
  readonly change: "made" | "sealed-anew" | "wrapped-anew" | "retired";
}

type Report = (change: KeyChange) => void;

/**
 * Makes the next keys ahead of their time, moves what the old ones protect to those in use, and removes what
 * nothing needs any more. Two runs at once end with the same keys: every write names what it has read, and
 * the one that comes second does nothing.
 */
export class KeyRotation {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #wrapper: KeyWrapper;
  readonly #keyring: Keyring;
  readonly #data;
  readonly #signing;

  constructor(deps: {
    store: Store;
    wrapper: KeyWrapper;
    keyring: Keyring;
    clock: Clock;
    random: Random;
  }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#wrapper = deps.wrapper;
    this.#keyring = deps.keyring;
    this.#data = dataKeyRows(deps.store);
    this.#signing = signingKeyRows(deps.store);
  }

  /**
   * Does what is due. What fails is due again at the next run, and a key is made so long before it is used
   * that many runs may fail.
   *
   * @param report Told of each change when it has been made.
   * @throws KeysUnavailable, StorageUnavailable
   */
  async run(report: Report): Promise<void> {
    await this.#keyring.reread();
    await this.#makeSigningKey(report);
    await this.#makeDataKey(report);
    await this.#sealSigningKeysAnew(report);
    await this.#retire(report);
    // Last, for the wrapping key may be the one thing that is out of reach.
    await this.#wrapDataKeysAnew(report);
    await this.#keyring.reread();
  }

  async #makeSigningKey(report: Report): Promise<void> {
    const keys = await this.#signing.all();
    const notBefore = nextKeyDue(keys, SIGNING_KEY_POLICY, this.#clock.now());
    if (notBefore === undefined) return;
    const next = await makeSigningKey(await this.#keyring.dataKey(), notBefore);
    if (await this.#signing.addAfter(keys.at(-1), next)) {
      report({ key: `signing ${next.kid}`, change: "made" });
    }
  }

  async #makeDataKey(report: Report): Promise<void> {
    const keys = await this.#data.all();
    const notBefore = nextKeyDue(keys, DATA_KEY_POLICY, this.#clock.now());
    if (notBefore === undefined) return;
    const next = await makeDataKey({ wrapper: this.#wrapper, random: this.#random }, notBefore);
    if (await this.#data.addAfter(keys.at(-1), next)) {
      report({ key: `data ${next.kid}`, change: "made" });
    }
  }

  /** So that signing keys depend on no data key but the one in use. */
  async #sealSigningKeysAnew(report: Report): Promise<void> {
    const dataKey = await this.#keyring.dataKey();
    for (const row of await this.#signing.all()) {
      if (sealedWith(row.value.sealed) === dataKey.kid) continue;
      const keyOf = (kid: string) => this.#keyring.dataKeyOf(kid);
      if (await this.#signing.replace(row, await sealAnew(row.value, keyOf, dataKey))) {
        report({ key: `signing ${row.value.kid}`, change: "sealed-anew" });
      }
    }
  }

  async #retire(report: Report): Promise<void> {
    const now = this.#clock.now();
    const signing = await this.#signing.all();
    for (const row of retiredKeys(signing, SIGNING_KEY_POLICY, now)) {
      if (await this.#signing.remove(row)) {
        report({ key: `signing ${row.value.kid}`, change: "retired" });
      }
    }
    const needed = new Set(signing.map(({ value }) => sealedWith(value.sealed)));
    for (const row of retiredKeys(await this.#data.all(), DATA_KEY_POLICY, now)) {
      if (!needed.has(row.value.kid) && (await this.#data.remove(row))) {
        report({ key: `data ${row.value.kid}`, change: "retired" });
      }
    }
  }

  /** When the wrapping key has a new version: so that its old versions can be given up. */
  async #wrapDataKeysAnew(report: Report): Promise<void> {
    const currentId = await this.#wrapper.currentId();
    // The newest first: an old one that cannot be unwrapped any more must not stand in its way.
    for (const row of (await this.#data.all()).toReversed()) {
      if (row.value.wrappedWith === currentId) continue;
      const secret = await this.#wrapper.unwrap(row.value);
      const wrapped = await wrapSafely(this.#wrapper, secret);
      if (await this.#data.replace(row, { ...row.value, ...wrapped })) {
        report({ key: `data ${row.value.kid}`, change: "wrapped-anew" });
      }
    }
  }
}
