import { setTimeout } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Relay } from "../relay/relay.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import type { Watch } from "./watch.ts";
import type { WatchCare } from "./watch-care.ts";
import type { WatchHolders } from "./watch-holders.ts";
import { GRACE_MS, type WatchLife } from "./watch-life.ts";
import { watchKey, type WatchRow, type WatchRows } from "./watch-rows.ts";

/** What a subscriber waits for the watch to stand, so that no change falls in between. */
const START_PATIENCE_MS = 5_000;

/** What the end of a session waits for its watches to end. */
const END_PATIENCE_MS = 2_000;

/**
 * Watches resources at their sources for as long as somebody is subscribed: one watch for a person and a
 * resource, however many clients and instances. Who is subscribed is in the `connections` table; the row of a
 * watch is only about what is watched. How it is begun and ended: `WatchLife`; what becomes of it: `WatchCare`.
 */
export class Watching {
  readonly #watches: ReadonlyMap<string, Watch>;
  readonly #rows: WatchRows;
  readonly #holders: WatchHolders;
  readonly #life: WatchLife;
  readonly #care: WatchCare;
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
    watchCare: WatchCare;
    sessions: Sessions;
    relay: Relay;
    clock: Clock;
    log: Log;
  }) {
    this.#watches = deps.watches;
    this.#rows = deps.watchRows;
    this.#holders = deps.watchHolders;
    this.#life = deps.watchLife;
    this.#care = deps.watchCare;
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
      .map((row) =>
        this.#guarded(row.value.uri, () => this.#care.moveFrom(row, sessionId, options)),
      );
    // A source that is slow must not keep the session's tokens alive.
    await isInTime(Promise.all(moved), END_PATIENCE_MS);
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
        if (held.value.sourceId === "") await this.#care.beginAnew(held, watch, session);
        return;
      }
      // Somebody else is at it, and this subscriber too hears of everything once it stands.
      const settled = held && (await this.#care.settled(key));
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
