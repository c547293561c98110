import { setTimeout } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import { sha256 } from "../digest.ts";
import type { Log } from "../log.ts";
import type { ConnectionRows } from "../mcp/connection-rows.ts";
import { type Random, randomSecret } from "../random.ts";
import type { Instances } from "../relay/instances.ts";
import type { Relay } from "../relay/relay.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import { toSession } from "../sessions/sessions.ts";
import type { SessionGraphs } from "./session-graphs.ts";
import type { Watch, WatchSource } from "./watch.ts";
import { watchKey, type WatchRow, type WatchRows } from "./watch-rows.ts";

/** A client that comes back must not tear a watch down and set it up again. */
const GRACE_MS = 10 * 60_000;

/** How often a watch is looked at, whatever happens: whether somebody still holds it, and whether it is well. */
const CHECK_MS = 3_600_000;

/** A watch is renewed when it ends before the next but one look. */
const RENEW_BEFORE_MS = 2 * CHECK_MS;

/** How long an instance has to start a watch before another may try. */
const STARTING_MS = 30_000;

/** When a source that could not be reached is tried again. */
const RETRY_MS = 5 * 60_000;

/** What a subscriber waits for the watch to stand, so that no change falls in between. */
const START_PATIENCE_MS = 5_000;

/** What the end of a session waits for its watches to end. */
const END_PATIENCE_MS = 2_000;

/**
 * Watches resources at their sources for as long as somebody is subscribed: one watch for a person and a
 * resource, however many clients and instances. Who is subscribed is in the `connections` table; here is only
 * what is watched.
 */
export class Watching {
  readonly #watches: ReadonlyMap<string, Watch>;
  readonly #rows: WatchRows;
  readonly #connectionRows: ConnectionRows;
  readonly #sessions: Sessions;
  readonly #graphs: SessionGraphs;
  readonly #relay: Relay;
  readonly #instances: Instances;
  readonly #notificationUrl: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;

  /** @param deps.watches By resource URI; empty where no source could reach this server. */
  constructor(deps: {
    watches: ReadonlyMap<string, Watch>;
    watchRows: WatchRows;
    connectionRows: ConnectionRows;
    sessions: Sessions;
    sessionGraphs: SessionGraphs;
    relay: Relay;
    instances: Instances;
    baseUrl: string;
    clock: Clock;
    random: Random;
    log: Log;
  }) {
    this.#watches = deps.watches;
    this.#rows = deps.watchRows;
    this.#connectionRows = deps.connectionRows;
    this.#sessions = deps.sessions;
    this.#graphs = deps.sessionGraphs;
    this.#relay = deps.relay;
    this.#instances = deps.instances;
    this.#notificationUrl = `${deps.baseUrl}/notifications`;
    this.#clock = deps.clock;
    this.#random = deps.random;
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
    ]).then(() => "in time" as const);
    const impatient = patience(START_PATIENCE_MS).then(() => "late" as const);
    if ((await Promise.race([work, impatient])) === "late")
      void this.#tellWhenDone(work, userKey, added);
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

  /** A session is about to end: what is watched with its token is stopped, or goes on with another's. */
  async sessionEnds(userKey: string, sessionId: string): Promise<void> {
    const rows = await this.#rows.of(userKey);
    const moved = rows
      .filter(({ value }) => value.sessionId === sessionId)
      .map((row) => this.#guarded(row.value.uri, () => this.#moveFrom(row, sessionId)));
    // A source that is slow must not keep the session's tokens alive.
    await Promise.race([Promise.all(moved), patience(END_PATIENCE_MS)]);
  }

  /** Something has changed at the source, or may have: what was read is out of date, and subscribers are told. */
  async changed(row: WatchRow): Promise<void> {
    await this.#rows.update(row.key, ({ version }) => ({ version: version + 1 }));
    await this.#relay.announce(row.key.partition, {
      kind: "resource-updated",
      uri: row.value.uri,
    });
  }

  /** The source asks for a new token, or has dropped the watch. */
  async repair(row: WatchRow, what: "token" | "gone"): Promise<void> {
    // Noted first: if this instance goes now, the next upkeep does it.
    const marked = await this.#rows.update(row.key, () => ({
      dueAt: this.#clock.now(),
      ...(what === "token" ? { needsToken: true } : { sourceId: "" }),
    }));
    if (marked !== undefined) void this.#guarded(row.value.uri, () => this.#look(marked));
  }

  /** Looks at everything that is due. Two at once do the same work twice, and no harm. */
  async upkeep(): Promise<void> {
    const now = this.#clock.now();
    await this.#rows.forEachDue(now, async (key) => {
      const row = await this.#rows.find(key);
      if (row === undefined) return true;
      if (row.value.dueAt > now) return false;
      await this.#guarded(row.value.uri, () => this.#look(row));
      return true;
    });
  }

  async #hold(session: Session, uri: string): Promise<void> {
    const watch = this.#watches.get(uri);
    if (watch === undefined || !session.scopes.includes(watch.requires)) return;
    const signedIn = await this.#sessions.find(session.userKey, session.id);
    if (signedIn === undefined) return;
    const key = watchKey(session.userKey, uri);
    const now = this.#clock.now();
    const mine = await this.#rows.insert(key, {
      uri,
      sessionId: session.id,
      tenantId: signedIn.value.tenantId,
      sourceId: "",
      expiresAt: 0,
      secretHash: "",
      version: 0,
      startingUntil: now + STARTING_MS,
      unheldSince: 0,
      dueAt: now + STARTING_MS,
      needsToken: false,
    });
    if (mine !== undefined) {
      await this.#start(mine, watch, session);
      return;
    }
    const row = await this.#rows.update(key, () => ({ unheldSince: 0 }));
    if (row !== undefined && row.value.sourceId === "") await this.#startAnew(row, watch, session);
  }

  async #release(userKey: string, uri: string): Promise<void> {
    if (!this.#watches.has(uri) || (await this.#holders(userKey, uri)).length > 0) return;
    const now = this.#clock.now();
    await this.#rows.update(watchKey(userKey, uri), ({ unheldSince }) =>
      unheldSince === 0 ? { unheldSince: now, dueAt: now + GRACE_MS } : {},
    );
  }

  /** Whether somebody still wants it, whether it is well, and when to look again. */
  async #look(row: WatchRow): Promise<void> {
    const { uri, unheldSince } = row.value;
    const watch = this.#watches.get(uri);
    const holders = await this.#holders(row.key.partition, uri);
    const now = this.#clock.now();
    if (watch === undefined || holders.length === 0) {
      if (watch !== undefined && (unheldSince === 0 || now < unheldSince + GRACE_MS)) {
        const since = unheldSince === 0 ? now : unheldSince;
        await this.#rows.replace(row, { unheldSince: since, dueAt: since + GRACE_MS });
        return;
      }
      await this.#stop(row, watch);
      return;
    }
    const session = await this.#sessionFor(row, holders, watch);
    if (session === undefined) {
      await this.#stop(row, watch);
      return;
    }
    if (row.value.sourceId === "") {
      await this.#startAnew(row, watch, session);
      return;
    }
    await this.#renew(row, watch, session);
  }

  async #renew(row: WatchRow, watch: Watch, session: Session): Promise<void> {
    const now = this.#clock.now();
    const { sourceId, expiresAt, needsToken } = row.value;
    const changes = { unheldSince: 0, sessionId: session.id, dueAt: now + CHECK_MS };
    const moved = session.id !== row.value.sessionId;
    if (!needsToken && !moved && expiresAt - now > RENEW_BEFORE_MS) {
      await this.#rows.replace(row, changes);
      return;
    }
    try {
      const renewed = await watch.renew(sourceId, this.#source(session, watch), {
        fresh: needsToken,
      });
      if (renewed === undefined) {
        await this.#startAnew(row, watch, session);
        return;
      }
      await this.#rows.update(row.key, () => ({ ...changes, ...renewed, needsToken: false }));
    } catch (error) {
      await this.#rows.update(row.key, () => ({ dueAt: now + RETRY_MS }));
      throw error;
    }
  }

  /** Starts a watch whose row is there already: for the source has lost it, or nobody could start it. */
  async #startAnew(row: WatchRow, watch: Watch, session: Session): Promise<void> {
    const now = this.#clock.now();
    if (row.value.startingUntil > now) return;
    const mine = await this.#rows.replace(row, {
      sourceId: "",
      sessionId: session.id,
      startingUntil: now + STARTING_MS,
      unheldSince: 0,
      dueAt: now + STARTING_MS,
    });
    if (mine === undefined) return;
    await this.#start(mine, watch, session);
    // What has changed since the last one is not known.
    await this.changed(mine);
  }

  async #start(row: WatchRow, watch: Watch, session: Session): Promise<void> {
    const secret = randomSecret(this.#random);
    const { partition: userKey, row: name } = row.key;
    // Before the source can tell of anything: its first word may come before its answer to us.
    const ready = await this.#rows.replace(row, { secretHash: sha256(secret) });
    if (ready === undefined) return;
    const source = this.#source(session, watch, `${secret}.${userKey}.${name}`);
    const now = this.#clock.now();
    try {
      const started = await watch.start(source);
      const stored = await this.#rows.update(row.key, (value) =>
        value.secretHash === ready.value.secretHash
          ? {
              sourceId: started.id,
              expiresAt: started.expiresAt,
              startingUntil: 0,
              needsToken: false,
              dueAt: now + CHECK_MS,
            }
          : {},
      );
      // Somebody else has started it meanwhile, or nobody wants it any more.
      if (stored?.value.sourceId !== started.id) await watch.stop(started.id, source);
    } catch (error) {
      await this.#rows.update(row.key, () => ({ startingUntil: 0, dueAt: now + RETRY_MS }));
      throw error;
    }
  }

  async #stop(row: WatchRow, watch: Watch | undefined): Promise<void> {
    // The row first: a source that still speaks is not listened to any more.
    if (!(await this.#rows.delete(row)) || watch === undefined || row.value.sourceId === "") return;
    const session = await this.#livingSession(row.key.partition, row.value.sessionId);
    // Without a token it ends by itself, when the source's own time is over.
    if (session === undefined) return;
    await watch.stop(row.value.sourceId, this.#source(session, watch));
  }

  async #moveFrom(row: WatchRow, sessionId: string): Promise<void> {
    const watch = this.#watches.get(row.value.uri);
    const holders = await this.#holders(row.key.partition, row.value.uri);
    const others = holders.filter((holder) => holder !== sessionId);
    const next = watch && (await this.#sessionFor(row, others, watch));
    if (watch === undefined || next === undefined) await this.#stop(row, watch);
    else await this.#renew(row, watch, next);
  }

  /** @returns The sessions that have a connection which is subscribed. */
  async #holders(userKey: string, uri: string): Promise<string[]> {
    const now = this.#clock.now();
    const rows = (await this.#connectionRows.of(userKey)).filter(
      ({ value }) =>
        value.endedAt === undefined &&
        value.expiresAt > now &&
        value.subscriptions.includes(JSON.stringify(uri)),
    );
    // A stream whose instance is gone has no subscriber behind it any more.
    const live = await Promise.all(
      rows.map(async ({ value: { instance } }) =>
        instance === "" ? true : this.#instances.isLive(instance),
      ),
    );
    return rows.filter((_, n) => live[n]).map(({ value }) => value.sessionId);
  }

  /** @returns A session with whose token it can be watched: the one that has been, if it can still. */
  async #sessionFor(
    row: WatchRow,
    holders: readonly string[],
    watch: Watch,
  ): Promise<Session | undefined> {
    const wanted = new Set(holders);
    const ordered = [row.value.sessionId, ...wanted].filter((id) => wanted.has(id));
    for (const id of new Set(ordered)) {
      const session = await this.#livingSession(row.key.partition, id);
      if (session?.scopes.includes(watch.requires) === true) return session;
    }
    return undefined;
  }

  async #livingSession(userKey: string, id: string): Promise<Session | undefined> {
    const row = await this.#sessions.find(userKey, id);
    const session = row && toSession(row);
    return session?.claims === undefined ? session : undefined;
  }

  #source(session: Session, watch: Watch, clientState = ""): WatchSource {
    return {
      graph: this.#graphs.of(session, watch.requires),
      clock: this.#clock,
      notificationUrl: this.#notificationUrl,
      clientState,
    };
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

/** How long something else is waited for (ms). It keeps no process alive. */
function patience(ms: number): Promise<void> {
  return setTimeout(ms, undefined, { ref: false });
}
