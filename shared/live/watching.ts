import { setTimeout } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Relay } from "../relay/relay.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import type { Key } from "../storage/store.ts";
import type { Watch } from "./watch.ts";
import type { WatchHolders } from "./watch-holders.ts";
import { GRACE_MS, RETRY_MS, STARTING_MS, type WatchLife } from "./watch-life.ts";
import { watchKey, type WatchRow, type WatchRows } from "./watch-rows.ts";

/** What a subscriber waits for the watch to stand, so that no change falls in between. */
const START_PATIENCE_MS = 5_000;

/** What the end of a session waits for its watches to end. */
const END_PATIENCE_MS = 2_000;

/** How often it is looked whether a watch stands that somebody else is about to begin. */
const LOOK_EVERY_MS = 100;

/**
 * Watches resources at their sources for as long as somebody is subscribed: one watch for a person and a
 * resource, however many clients and instances. Who is subscribed is in the `connections` table; the row of a
 * watch is only about what is watched. How it is begun and ended: `WatchLife`.
 */
export class Watching {
  readonly #watches: ReadonlyMap<string, Watch>;
  readonly #rows: WatchRows;
  readonly #holders: WatchHolders;
  readonly #life: WatchLife;
  readonly #sessions: Sessions;
  readonly #relay: Relay;
  readonly #clock: Clock;
  readonly #log: Log;

  /** @param deps.watches By resource URI; empty where no source could reach this server. */
  constructor(deps: {
    watches: ReadonlyMap<string, Watch>;
    watchRows: WatchRows;
    watchHolders: WatchHolders;
    watchLife: WatchLife;
    sessions: Sessions;
    relay: Relay;
    clock: Clock;
    log: Log;
  }) {
    this.#watches = deps.watches;
    this.#rows = deps.watchRows;
    this.#holders = deps.watchHolders;
    this.#life = deps.watchLife;
    this.#sessions = deps.sessions;
    this.#relay = deps.relay;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /**
   * What a connection is subscribed to has changed, and is stored. Begins what is to be watched now, and lets
   * go what nobody is subscribed to any more. It throws nothing: a watch that cannot be had now is tried again.
   */
  async subscriptionsChanged(
    session: Session,
    before: readonly string[],
    after: readonly string[],
  ): Promise<void> {
    const { userKey } = session;
    const added = after.filter((uri) => !before.includes(uri) && this.#watches.has(uri));
    const removed = before.filter((uri) => !after.includes(uri) && this.#watches.has(uri));
    if (added.length === 0 && removed.length === 0) return;
    const work = Promise.all([
      ...added.map((uri) => this.#guarded(uri, () => this.#hold(session, uri))),
      ...removed.map((uri) => this.#guarded(uri, () => this.#release(userKey, uri))),
    ]);
    if (!(await isInTime(work, START_PATIENCE_MS))) void this.#tellWhenDone(work, userKey, added);
  }

  /**
   * A session is about to end: what is watched with its token is stopped, or goes on with another's.
   *
   * @param options.signedIn Whether there are tokens to be had of it. Where its sign-in is what has ended there
   *   are none, and to ask for one would end the session once more.
   */
  async sessionEnds(
    userKey: string,
    sessionId: string,
    options: { signedIn: boolean },
  ): Promise<void> {
    const rows = await this.#rows.of(userKey);
    const moved = rows
      .filter(({ value }) => value.sessionId === sessionId)
      .map(({ key, value: { uri } }) =>
        this.#guarded(uri, () =>
          this.#trying(key, uri, () => this.#moveFrom(key, sessionId, options)),
        ),
      );
    // A source that is slow must not keep the session's tokens alive.
    await isInTime(Promise.all(moved), END_PATIENCE_MS);
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
    void this.#guarded(uri, () => this.#trying(row.key, uri, () => this.#look(marked)));
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

  async #hold(session: Session, uri: string): Promise<void> {
    const watch = this.#watches.get(uri);
    if (watch === undefined || !session.scopes.includes(watch.requires)) return;
    const { userKey } = session;
    const signedIn = await this.#sessions.find(userKey, session.id);
    if (signedIn === undefined) return;
    const key = watchKey(userKey, uri);
    for (;;) {
      if (await this.#life.begin(session, signedIn.value.tenantId, uri, watch)) return;
      // Written even where it changes nothing: whoever is about to end the watch finds that its row has changed.
      const held = await this.#rows.update(key, () => ({ unheldSince: 0 }));
      if (held !== undefined && held.value.startingUntil <= this.#clock.now()) {
        if (held.value.sourceId === "") await this.#beginAnew(held, watch, session);
        return;
      }
      // Somebody else is at it, and this subscriber too hears of everything once it stands.
      const settled = held && (await this.#settled(key));
      if (settled !== undefined && !this.#isGivenUp(settled)) return;
      // It has ended meanwhile, or who has begun it is gone.
    }
  }

  async #release(userKey: string, uri: string): Promise<void> {
    if ((await this.#holders.of(userKey, uri)).length > 0) return;
    const now = this.#clock.now();
    await this.#rows.update(watchKey(userKey, uri), ({ unheldSince }) =>
      unheldSince === 0 ? { unheldSince: now, dueAt: now + GRACE_MS } : undefined,
    );
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
      const row = signedIn ? await this.#settled(key) : await this.#rows.find(key);
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
    if (!isWell) await this.#beginAnew(row, watch, session);
  }

  async #beginAnew(row: WatchRow, watch: Watch, session: Session): Promise<void> {
    // What has changed since the last one is not known.
    if (await this.#life.beginAnew(row, watch, session)) await this.changed(row);
  }

  /** @returns The row, once nobody is about to begin the watch any more; undefined where there is none. */
  async #settled(key: Key): Promise<WatchRow | undefined> {
    let row = await this.#rows.find(key);
    for (let waited = 0; waited < STARTING_MS; waited += LOOK_EVERY_MS) {
      if (row === undefined || row.value.startingUntil <= this.#clock.now()) break;
      await this.#clock.sleep(LOOK_EVERY_MS);
      row = await this.#rows.find(key);
    }
    return row;
  }

  /** Whether nobody is about to begin it any more, nor has said that it could not be begun. */
  #isGivenUp({ value: { sourceId, startingUntil } }: WatchRow): boolean {
    return sourceId === "" && startingUntil !== 0 && startingUntil <= this.#clock.now();
  }

  /** The subscription was answered before the watch stood: what has changed in between is read again. */
  async #tellWhenDone(
    work: Promise<unknown>,
    userKey: string,
    uris: readonly string[],
  ): Promise<void> {
    await work;
    for (const uri of uris) {
      await this.#guarded(uri, () =>
        this.#relay.announce(userKey, { kind: "resource-updated", uri }),
      );
    }
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

  /** A watch that fails must not take a subscription, a session's end or the other watches with it. */
  async #guarded(uri: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.error("watch-failed", error, { uri });
    }
  }
}

/** @returns Whether the work was done within so many milliseconds; it goes on in any case. */
async function isInTime(work: Promise<unknown>, ms: number): Promise<boolean> {
  const done = new AbortController();
  const late = setTimeout(ms, false, { ref: false, signal: done.signal }).catch(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    done.abort();
  }
}
