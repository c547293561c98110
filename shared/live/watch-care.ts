import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Relay } from "../relay/relay.ts";
import type { Session } from "../sessions/sessions.ts";
import type { Key } from "../storage/store.ts";
import type { Watch } from "./watch.ts";
import type { WatchHolders } from "./watch-holders.ts";
import { GRACE_MS, RETRY_MS, STARTING_MS, type WatchLife } from "./watch-life.ts";
import type { WatchRow, WatchRows } from "./watch-rows.ts";

/** How often it is looked whether a watch stands that somebody else is about to begin. */
const LOOK_EVERY_MS = 100;

/**
 * Looks after the watches that there are: counts what they tell, repairs what the source has lost, and decides by
 * who is subscribed whether one goes on, with whose session, or ends.
 */
export class WatchCare {
  readonly #watches: ReadonlyMap<string, Watch>;
  readonly #rows: WatchRows;
  readonly #holders: WatchHolders;
  readonly #life: WatchLife;
  readonly #relay: Relay;
  readonly #clock: Clock;
  readonly #log: Log;

  /** @param deps.watches By resource URI; empty where no source could reach this server. */
  constructor(deps: {
    watches: ReadonlyMap<string, Watch>;
    watchRows: WatchRows;
    watchHolders: WatchHolders;
    watchLife: WatchLife;
    relay: Relay;
    clock: Clock;
    log: Log;
  }) {
    this.#watches = deps.watches;
    this.#rows = deps.watchRows;
    this.#holders = deps.watchHolders;
    this.#life = deps.watchLife;
    this.#relay = deps.relay;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /** Something has changed at the source, or may have: what was read is out of date, and subscribers are told. */
  async changed(row: WatchRow): Promise<void> {
    const { partition: userKey } = row.key;
    const change = { kind: "resource-updated", uri: row.value.uri } as const;
    const [others, counted] = await Promise.all([
      this.#relay.othersOf(userKey),
      this.#rows.replace(row, { version: row.value.version + 1 }),
    ]);
    if (counted !== undefined) {
      await this.#relay.announce(userKey, change, others);
      return;
    }
    // Somebody may have subscribed since the row was read, for that changes it, and not be among the others.
    await this.#rows.update(row.key, ({ version }) => ({ version: version + 1 }));
    await this.#relay.announce(userKey, change);
  }

  /** The source asks for a new token, or has dropped the watch. */
  async repair(row: WatchRow, what: "token" | "gone"): Promise<void> {
    const { sourceId, uri } = row.value;
    const dueAt = this.#clock.now();
    // Noted first: if this instance goes now, the next upkeep does it.
    const marked = await this.#rows.update(row.key, (value) =>
      // Not of the watch that somebody else has begun meanwhile.
      value.sourceId === sourceId
        ? { dueAt, ...(what === "token" ? { needsToken: true } : { sourceId: "" }) }
        : undefined,
    );
    if (marked === undefined) return;
    this.#trying(row.key, uri, () => this.#look(marked)).catch((error: unknown) => {
      this.#log.error("watch-failed", error, { uri });
    });
  }

  /** Looks at everything that is due. Two at once do the same work twice, and no harm. */
  async upkeep(): Promise<void> {
    const now = this.#clock.now();
    await this.#rows.forEachDue(now, async (key) => {
      const row = await this.#rows.find(key);
      if (row === undefined) return true;
      if (row.value.dueAt > now) return false;
      await this.#trying(key, row.value.uri, () => this.#look(row));
      return true;
    });
  }

  /**
   * Takes a watch from a session that is about to end: it goes on with another one that is subscribed, or ends.
   *
   * @param options.signedIn Whether there are tokens to be had of the session.
   */
  async moveFrom(
    { key, value: { uri } }: WatchRow,
    sessionId: string,
    options: { signedIn: boolean },
  ): Promise<void> {
    await this.#trying(key, uri, () => this.#moveFrom(key, sessionId, options));
  }

  /** Begins a watch anew, unless somebody else does. */
  async beginAnew(row: WatchRow, watch: Watch, session: Session): Promise<void> {
    // What has changed since the last one is not known.
    if (await this.#life.beginAnew(row, watch, session)) await this.changed(row);
  }

  /** @returns The row, once nobody is about to begin the watch any more; undefined where there is none. */
  async settled(key: Key): Promise<WatchRow | undefined> {
    let row = await this.#rows.find(key);
    for (let waited = 0; waited < STARTING_MS; waited += LOOK_EVERY_MS) {
      if (row === undefined || row.value.startingUntil <= this.#clock.now()) break;
      await this.#clock.sleep(LOOK_EVERY_MS);
      row = await this.#rows.find(key);
    }
    return row;
  }

  /** Whether somebody still wants it, whether it is well, and when to look again. */
  async #look(row: WatchRow): Promise<void> {
    const { uri, unheldSince, sessionId } = row.value;
    const userKey = row.key.partition;
    const watch = this.#watches.get(uri);
    const holders = await this.#holders.of(userKey, uri);
    const now = this.#clock.now();
    const over = unheldSince !== 0 && now >= unheldSince + GRACE_MS;
    if (watch !== undefined && holders.length === 0 && !over) {
      const since = unheldSince === 0 ? now : unheldSince;
      await this.#rows.replace(row, { unheldSince: since, dueAt: since + GRACE_MS });
      return;
    }
    const session = watch && (await this.#holders.sessionFor(row, holders, watch));
    if (watch !== undefined && session !== undefined) {
      await this.#goOn(row, watch, session);
      return;
    }
    const living = await this.#holders.living(userKey, sessionId);
    // A client that has come back in this moment finds none: one is begun for it.
    if (!(await this.#life.end(row, watch, living))) await this.repair(row, "gone");
  }

  async #moveFrom(key: Key, sessionId: string, { signedIn }: { signedIn: boolean }): Promise<void> {
    const { partition: userKey } = key;
    for (;;) {
      // One that is being begun has no name yet by which it could be ended.
      const row = signedIn ? await this.settled(key) : await this.#rows.find(key);
      if (row?.value.sessionId !== sessionId) return;
      const { sourceId, uri } = row.value;
      const watch = this.#watches.get(uri);
      const holders = await this.#holders.of(userKey, uri);
      const others = holders.filter((holder) => holder !== sessionId);
      const next = watch && (await this.#holders.sessionFor(row, others, watch));
      if (watch !== undefined && next !== undefined) {
        await this.#goOn(row, watch, next);
        return;
      }
      const living = signedIn ? await this.#holders.living(userKey, sessionId) : undefined;
      if (await this.#life.end(row, watch, living)) return;
      // Somebody has subscribed in this moment: it is begun for them.
      await this.#rows.update(key, (value) =>
        value.sourceId === sourceId ? { sourceId: "", dueAt: this.#clock.now() } : undefined,
      );
    }
  }

  async #goOn(row: WatchRow, watch: Watch, session: Session): Promise<void> {
    const isWell = row.value.sourceId !== "" && (await this.#life.renew(row, watch, session));
    if (!isWell) await this.beginAnew(row, watch, session);
  }

  /** What fails is tried again soon. */
  async #trying(key: Key, uri: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.error("watch-failed", error, { uri });
      await this.#rows.update(key, () => ({ dueAt: this.#clock.now() + RETRY_MS }));
    }
  }
}
