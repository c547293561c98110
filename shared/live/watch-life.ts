import type { Clock } from "../clock.ts";
import { sha256 } from "../digest.ts";
import { type Random, randomSecret } from "../random.ts";
import type { Session } from "../sessions/sessions.ts";
import type { SessionGraphs } from "./session-graphs.ts";
import type { Started, Watch, WatchSource } from "./watch.ts";
import { watchKey, type WatchRow, type WatchRows } from "./watch-rows.ts";

/** A client that comes back must not tear a watch down and set it up again. */
export const GRACE_MS = 10 * 60_000;

/** When what could not be done is tried again. */
export const RETRY_MS = 5 * 60_000;

/** How often a watch is looked at, whatever happens: whether somebody still holds it, and whether it is well. */
const CHECK_MS = 3_600_000;

/** A watch is renewed when it ends before the next but one look. */
const RENEW_BEFORE_MS = 2 * CHECK_MS;

/** How long an instance has to start a watch before another may try. */
export const STARTING_MS = 30_000;

/**
 * How a single watch begins, goes on and ends at its source, and what its row says of it meanwhile. The hash
 * of the secret tells one beginning from another: who finds another one there has been overtaken.
 */
export class WatchLife {
  readonly #rows: WatchRows;
  readonly #graphs: SessionGraphs;
  readonly #notificationUrl: string;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(deps: {
    watchRows: WatchRows;
    sessionGraphs: SessionGraphs;
    baseUrl: string;
    clock: Clock;
    random: Random;
  }) {
    this.#rows = deps.watchRows;
    this.#graphs = deps.sessionGraphs;
    this.#notificationUrl = `${deps.baseUrl}/notifications`;
    this.#clock = deps.clock;
    this.#random = deps.random;
  }

  /**
   * Begins a watch that is not there.
   *
   * @returns False where there is one, or somebody has just begun one.
   */
  async begin(session: Session, tenantId: string, uri: string, watch: Watch): Promise<boolean> {
    const { secret, columns } = this.#claim(session);
    const started = { uri, tenantId, expiresAt: 0, version: 0, needsToken: false, ...columns };
    const mine = await this.#rows.insert(watchKey(session.userKey, uri), started);
    if (mine === undefined) return false;
    await this.#start(mine, secret, watch, session);
    return true;
  }

  /**
   * Begins a watch anew whose row is there: the source has lost it, or nobody could begin it.
   *
   * @returns False where somebody else does.
   */
  async beginAnew(row: WatchRow, watch: Watch, session: Session): Promise<boolean> {
    if (row.value.startingUntil > this.#clock.now()) return false;
    const { secret, columns } = this.#claim(session);
    const mine = await this.#rows.replace(row, columns);
    if (mine === undefined) return false;
    await this.#start(mine, secret, watch, session);
    return true;
  }

  /**
   * Lets a watch go on, with this session's token. The source is asked only where that is due.
   *
   * @returns False where the source has lost it.
   */
  async renew(row: WatchRow, watch: Watch, session: Session): Promise<boolean> {
    const now = this.#clock.now();
    const { sourceId, sessionId, expiresAt, needsToken: fresh, unheldSince } = row.value;
    const due = fresh || sessionId !== session.id || expiresAt - now <= RENEW_BEFORE_MS;
    const renewed = due
      ? await watch.renew(sourceId, this.#source(session, watch), { fresh })
      : { expiresAt };
    if (renewed === undefined) return false;
    await this.#rows.update(row.key, (value) =>
      value.sourceId === sourceId
        ? {
            ...renewed,
            sessionId: session.id,
            needsToken: value.needsToken && !fresh,
            // Whoever has let go of it meanwhile has said when it is looked at.
            ...(value.unheldSince === unheldSince && { unheldSince: 0, dueAt: now + CHECK_MS }),
          }
        : undefined,
    );
    return true;
  }

  /**
   * Ends a watch: at the source, and then here. If it fails half-way the row is still there to try again by.
   *
   * @param session With whose token; without one it ends by itself, when the source's own time is over.
   * @returns False where the row has changed since it was read: somebody may have come back.
   */
  async end(
    row: WatchRow,
    watch: Watch | undefined,
    session: Session | undefined,
  ): Promise<boolean> {
    const { sourceId, expiresAt } = row.value;
    const stands = sourceId !== "" && expiresAt > this.#clock.now();
    if (stands && watch !== undefined && session !== undefined) {
      await watch.stop(sourceId, this.#source(session, watch));
    }
    return this.#rows.delete(row);
  }

  /**
   * What the row of a watch says that is being begun. The secret's hash is in it before the source can tell of
   * anything: its first word may come before its answer to us.
   */
  #claim(session: Session) {
    const secret = randomSecret(this.#random);
    const startingUntil = this.#clock.now() + STARTING_MS;
    const columns = {
      sourceId: "",
      sessionId: session.id,
      secretHash: sha256(secret),
      startingUntil,
      unheldSince: 0,
      dueAt: startingUntil,
    };
    return { secret, columns };
  }

  async #start(
    { key, value: { secretHash } }: WatchRow,
    secret: string,
    watch: Watch,
    session: Session,
  ): Promise<void> {
    const source = this.#source(session, watch, `${secret}.${key.partition}.${key.row}`);
    let started: Started | undefined;
    try {
      started = await watch.start(source);
      const { id: sourceId, expiresAt } = started;
      const now = this.#clock.now();
      const stored = await this.#rows.update(key, (value) =>
        value.secretHash === secretHash
          ? {
              sourceId,
              expiresAt,
              startingUntil: 0,
              needsToken: false,
              dueAt: value.unheldSince === 0 ? now + CHECK_MS : value.unheldSince + GRACE_MS,
            }
          : undefined,
      );
      // Somebody else has begun it meanwhile, or nobody wants it any more.
      if (stored?.value.sourceId !== sourceId) await watch.stop(sourceId, source);
    } catch (error) {
      // What nobody knows of cannot be ended later. Where this fails too, it ends by itself.
      if (started !== undefined) await watch.stop(started.id, source).catch(() => undefined);
      const dueAt = this.#clock.now() + RETRY_MS;
      await this.#rows.update(key, (value) =>
        value.secretHash === secretHash ? { sourceId: "", startingUntil: 0, dueAt } : undefined,
      );
      throw error;
    }
  }

  #source(session: Session, watch: Watch, clientState = ""): WatchSource {
    return {
      graph: this.#graphs.of(session, watch.requires),
      clock: this.#clock,
      notificationUrl: this.#notificationUrl,
      clientState,
    };
  }
}
