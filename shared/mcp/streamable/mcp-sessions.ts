import type { JSONRPCRequest } from "@modelcontextprotocol/server";
import { HttpError } from "../../http/errors.ts";
import { randomId } from "../../random.ts";
import type { Station } from "../../relay/station.ts";
import type { Caller } from "../../sessions/bearer.ts";
import type { Session } from "../../sessions/sessions.ts";
import {
  type ConnectionRow,
  type ProtocolState,
  protocolState,
  StateTooLarge,
} from "../connection-rows.ts";
import { RestingSessions } from "./resting-sessions.ts";
import { SessionNotFound } from "./session-not-found.ts";
import { McpSession, type McpSessionDeps } from "./mcp-session.ts";

/** For so long a session is kept that nobody uses; it costs a row. Clients that start anew each time leave many. */
const SESSION_TTL_MS = 24 * 3_600_000;

/** So much younger than its end a row may be before a session in use moves it. */
const TOUCH_AFTER_MS = 3_600_000;

/** Sessions that rest in the memory of an instance; the others are made again when they are asked for. */
const RESTING = { max: 1_000, ttlMs: 10 * 60_000 };

/** As they are made here: nothing else is asked of a table. */
const SESSION_ID = /^[\w-]{22}$/;

/**
 * The sessions of Streamable HTTP (revisions of 2025). Every instance serves every session: what it does not
 * have in memory it makes again from the session's row.
 */
export class McpSessions {
  readonly #deps: McpSessionDeps & { station: Station };
  readonly #making = new Map<string, Promise<McpSession>>();
  readonly #touchedAt = new WeakMap<McpSession, number>();
  readonly #resting = new RestingSessions<McpSession>(RESTING, (session) => void session.forget());

  constructor(deps: McpSessionDeps & { station: Station }) {
    this.#deps = deps;
  }

  /**
   * Begins a session.
   *
   * @param initialize The request that does. @throws StorageUnavailable; HttpError 413 for one that is too large
   */
  async create({ params = {} }: JSONRPCRequest, caller: Caller): Promise<McpSession> {
    const { clock, connectionRows, random, station } = this.#deps;
    const state = { initialize: params, subscriptions: [] };
    const bound = { session: caller.session, sessionId: caller.session.id };
    const session = this.#make(randomId(random), bound, state);
    await station.open(async () => {
      await this.#storing(() =>
        connectionRows.open(session.key, {
          kind: "session",
          sessionId: session.sessionId,
          instance: "",
          expiresAt: clock.now() + SESSION_TTL_MS,
          continued: false,
          state,
        }),
      );
      await this.#begin(session, false);
    });
    this.#touchedAt.set(session, clock.now());
    return session;
  }

  /**
   * Finds a session, here or in its row. An id never authenticates: it is good with the tokens of the sign-in
   * that the session belongs to, and of a later one of the same person through the same client, which then
   * has it (a client that signs in again for more scopes keeps its session).
   *
   * @throws StorageUnavailable; SessionNotFound
   */
  async find(id: string, caller: Caller): Promise<McpSession> {
    const here = this.#deps.connections.get(id);
    const session = here instanceof McpSession ? here : await this.#makeAgain(id, caller);
    if (session.userKey !== caller.session.userKey) throw new SessionNotFound();
    if (session.sessionId !== caller.session.id) await this.#rebind(session, caller);
    // Forgotten, or ended, while that was waited for.
    if (session.closed) return this.find(id, caller);
    this.#used(session);
    return session;
  }

  /** Ends a session, at every instance. @throws StorageUnavailable; HttpError 404 */
  async end(id: string, caller: Caller): Promise<void> {
    const { connectionRows, sender, watching } = this.#deps;
    const session = await this.find(id, caller);
    await connectionRows.close(session.key);
    await session.close("client");
    await sender.broadcast({ kind: "connection-ended", connection: id }, { taken: true });
    await watching.subscriptionsChanged(session.session, session.state.subscriptions, []);
  }

  /** Once, however many requests come at the same time. */
  #makeAgain(id: string, caller: Caller): Promise<McpSession> {
    const owner = `${caller.session.userKey} ${id}`;
    const known = this.#making.get(owner);
    if (known !== undefined) return known;
    const made = this.#fromRow(id, caller).finally(() => this.#making.delete(owner));
    this.#making.set(owner, made);
    return made;
  }

  async #fromRow(id: string, caller: Caller): Promise<McpSession> {
    const { connections, connectionRows, station } = this.#deps;
    if (!SESSION_ID.test(id)) throw new SessionNotFound();
    // The lease is held before the row is read: who ends the session after that tells this instance.
    return station.open(async () => {
      const { missed } = connections;
      const row = await connectionRows.find({ partition: caller.session.userKey, row: id });
      if (row === undefined || !this.#isAlive(row)) throw new SessionNotFound();
      const bound = { session: caller.session, sessionId: row.value.sessionId };
      const session = this.#make(id, bound, protocolState(row));
      this.#touchedAt.set(session, row.value.expiresAt - SESSION_TTL_MS);
      await this.#begin(session, true);
      if (connections.missed > missed) await session.refresh();
      return session;
    });
  }

  #isAlive({ value }: ConnectionRow): boolean {
    return value.kind === "session" && this.#deps.clock.now() < value.expiresAt;
  }

  async #rebind(session: McpSession, caller: Caller): Promise<void> {
    const { connectionRows, sender, sessions } = this.#deps;
    const { userKey, id: sessionId, clientId } = caller.session;
    const row = await connectionRows.find(session.key);
    if (row === undefined) throw new SessionNotFound();
    if (row.value.sessionId !== sessionId) {
      const former = await sessions.find(userKey, row.value.sessionId);
      if (former?.value.clientId !== clientId) throw new SessionNotFound();
      await connectionRows.update(session.key, () => ({ sessionId }));
      await sender.broadcast({ kind: "connection-changed", connection: session.id });
    }
    session.bind(sessionId);
  }

  #make(
    id: string,
    bound: { session: Session; sessionId: string },
    state: ProtocolState,
  ): McpSession {
    const session: McpSession = new McpSession(this.#deps, id, bound, state, () => {
      // One that has ended is held by nothing that waits for it to have rested.
      if (this.#deps.connections.get(id) !== session) this.#resting.remove(session);
      else if (session.resting) this.#resting.touch(session);
    });
    return session;
  }

  async #begin(session: McpSession, known: boolean): Promise<void> {
    await session.start(known);
    this.#deps.connections.add(session);
    this.#resting.touch(session);
  }

  #used(session: McpSession): void {
    const { clock, connectionRows, log } = this.#deps;
    this.#resting.touch(session);
    const now = clock.now();
    if (now - (this.#touchedAt.get(session) ?? now) < TOUCH_AFTER_MS) return;
    this.#touchedAt.set(session, now);
    connectionRows.expireAt(session.key, now + SESSION_TTL_MS).catch((error: unknown) => {
      log.error("connection-row-not-written", error, { connection: session.id });
    });
  }

  async #storing(store: () => Promise<void>): Promise<void> {
    try {
      await store();
    } catch (error) {
      if (!(error instanceof StateTooLarge)) throw error;
      throw new HttpError(413, "The client says too much about itself.", { cause: error });
    }
  }
}
