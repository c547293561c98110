import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { type Random, randomId } from "../random.ts";
import type { Expiries } from "../storage/expiries.ts";
import { type Etag, RowChanged, StorageUnavailable, type Store } from "../storage/store.ts";

/** Where the leases of all instances are. */
export const LIVE_PARTITION = "live";

/** How often an instance that holds streams rewrites its row. */
export const LEASE_RENEWAL_MS = 5_000;

/** After so long the inbox of an instance is looked at, and emptied if the instance is gone. */
export const INBOX_KEPT_MS = 3_600_000;

/** For so long after a renewal nobody can have found the lease lapsed, by whatever clock: no need to ask. */
const TRUSTED_MS = 10_000;

/**
 * What was begun under a lease cannot go on without it. To whoever waits for storage this is one more outage:
 * the next try, here or elsewhere, has a lease.
 */
export class LeaseLost extends StorageUnavailable {
  override name = "LeaseLost";
}

/**
 * The lease of this instance: what tells the others that it is there to receive messages. Whether one has
 * lapsed is judged by the clock of the storage service alone, see `instances.ts`.
 *
 * Its id names a run of the process, not a machine: a restarted worker gets another and so never inherits
 * streams that it does not have. An instance that finds its row gone has been given up by the others (it was
 * frozen, or cut off): what it held is over, and it goes on under a new id.
 */
export class Lease {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #podName: string;
  readonly #expiries: Expiries;
  readonly #onLost: () => Promise<void>;
  #id: string;
  #etag: Etag | undefined;
  #renewedAt = -Infinity;
  #failedAt = -Infinity;
  #renewing: Promise<boolean> | undefined;
  #releasing: Promise<void> | undefined;
  #over = false;

  /** @param deps.onLost Ends what the instance held. */
  constructor(deps: {
    store: Store;
    clock: Clock;
    random: Random;
    log: Log;
    podName: string;
    expiries: Expiries;
    onLost: () => Promise<void>;
  }) {
    this.#store = deps.store;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#log = deps.log;
    this.#podName = deps.podName.replaceAll(/[^\w.-]/g, "-");
    this.#expiries = deps.expiries;
    this.#onLost = deps.onLost;
    this.#id = this.#newId();
  }

  /** The id of this instance, until it loses its lease. */
  get id(): string {
    return this.#id;
  }

  /**
   * Makes sure that the lease is this instance's before it runs anything; takes it if there is none yet.
   *
   * @param staleMs From what age the row is rewritten; without it, once it could have lapsed.
   * @returns False where it was lost: nothing that was accepted under the old id may run.
   * @throws StorageUnavailable
   */
  hold(staleMs = TRUSTED_MS): Promise<boolean> {
    if (this.#over) return Promise.resolve(false);
    // The row that is being deleted must not be the one that is written now.
    if (this.#releasing !== undefined) return this.#releasing.then(() => this.hold(staleMs));
    if (this.#clock.now() - this.#renewedAt < staleMs) return Promise.resolve(true);
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /**
   * As {@link hold}, for a message that arrived at this very instance: while storage is away it may run, for
   * nobody else can be given it.
   */
  async holdForOwn(): Promise<boolean> {
    if (this.#clock.now() - this.#failedAt < TRUSTED_MS) return true;
    try {
      return await this.hold();
    } catch (error) {
      if (error instanceof StorageUnavailable) return true;
      throw error;
    }
  }

  /** Gives the lease up, so that messages for this instance are refused at once. */
  release(): Promise<void> {
    this.#releasing ??= this.#giveUp().finally(() => {
      this.#releasing = undefined;
    });
    return this.#releasing;
  }

  /** The same, for good: what still comes to an instance that is about to go must not take the lease again. */
  close(): Promise<void> {
    this.#over = true;
    return this.release();
  }

  async #giveUp(): Promise<void> {
    await this.#renewing?.catch(() => undefined);
    if (this.#etag === undefined) return;
    this.#etag = undefined;
    this.#renewedAt = -Infinity;
    await this.#store.delete("instances", this.#key());
  }

  async #renew(): Promise<boolean> {
    const startedAt = this.#clock.now();
    try {
      const etag = await this.#write();
      if (etag === undefined) {
        await this.#lose();
        return false;
      }
      this.#etag = etag;
      this.#renewedAt = startedAt;
      this.#failedAt = -Infinity;
      return true;
    } catch (error) {
      this.#failedAt = this.#clock.now();
      throw error;
    }
  }

  /** @returns The ETag of the row as it is now, or undefined where somebody has taken it away. */
  async #write(): Promise<Etag | undefined> {
    const key = this.#key();
    if (this.#etag === undefined) {
      // What nobody takes out of this instance's inbox is found by this note, once the instance is gone.
      const inbox = { table: "inbox" as const, key: { partition: this.#id, row: "" } };
      await this.#expiries.note(inbox, this.#clock.now() + INBOX_KEPT_MS);
      return this.#store.put("instances", key, {});
    }
    for (let etag: Etag | undefined = this.#etag; etag !== undefined;) {
      try {
        return await this.#store.replace("instances", key, {}, etag);
      } catch (error) {
        if (!(error instanceof RowChanged)) throw error;
      }
      // Nobody else writes this row. It is either gone, or an earlier write of ours had its answer lost.
      etag = (await this.#store.get("instances", key))?.etag;
    }
    return undefined;
  }

  async #lose(): Promise<void> {
    this.#log.warn("lease-lost", { instance: this.#id });
    this.#etag = undefined;
    this.#renewedAt = -Infinity;
    this.#id = this.#newId();
    await this.#onLost();
  }

  #key() {
    return { partition: LIVE_PARTITION, row: this.#id };
  }

  #newId(): string {
    return `${this.#podName}-${randomId(this.#random).slice(0, 8)}`;
  }
}
