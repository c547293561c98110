import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Change } from "../features/call.ts";
import type { Session } from "../sessions/sessions.ts";
import type { Caller } from "../sessions/bearer.ts";

/**
 * Why a connection is ended by the server: its session is over; its client has ended it, by way of another
 * instance; this instance has lost its lease and holds it no more; this instance is about to go.
 */
export type ConnectionEnd = "session-ended" | "client" | "lease-lost" | "shutdown";

/** What one client has open at this instance. */
export interface Connection {
  readonly id: string;
  readonly userKey: string;
  readonly sessionId: string;
  /** As the last request found it. */
  readonly session: Session;
  /** Whether a stream is open to the client right now. */
  readonly streaming: boolean;
  /** @param caller As the token says that came with this very message, and the session as it is now. */
  receive(message: JSONRPCMessage, caller: Caller): void;
  /** Whether the client has subscribed to a resource. */
  wants(uri: string): boolean;
  /** Tells the client about a change, if it has asked to be told. */
  announce(change: Change): Promise<void>;
  /** Its row was changed by another instance: what is remembered of it is out of date. */
  refresh(): Promise<void>;
  /** Sends the client the answers that its connection before this one could not deliver. */
  takeAnswersOf(earlierId: string): Promise<void>;
  /** Its client has come back for one of its streams: it is written down. @returns Whether it is known here. */
  handOver(stream: string): Promise<boolean>;
  close(why: ConnectionEnd): Promise<void>;
}

/** Whether a connection is the caller's: its id alone never authenticates. */
export function belongsTo(connection: Connection, { session }: Caller): boolean {
  return connection.sessionId === session.id && connection.userKey === session.userKey;
}

/** A session that has a connection here. */
export interface StreamingSession {
  readonly userKey: string;
  readonly sessionId: string;
  /** When it ends by itself (ms), unless its client has refreshed its tokens meanwhile. */
  readonly goodUntil: number;
}

/** What this instance holds. */
export class Connections {
  readonly #byId = new Map<string, Connection>();
  readonly #byUser = new Map<string, Set<Connection>>();
  readonly #bySession = new Map<string, Set<Connection>>();
  /** How often something was said about a connection that is not here, or not yet: its row says it too. */
  missed = 0;

  get count(): number {
    return this.#byId.size;
  }

  /** How many streams are open to clients right now. */
  get streams(): number {
    return [...this.#byId.values()].filter(({ streaming }) => streaming).length;
  }

  /** Lists a connection. */
  add(connection: Connection): void {
    this.#byId.set(connection.id, connection);
    addTo(this.#byUser, connection.userKey, connection);
    addTo(this.#bySession, connection.sessionId, connection);
  }

  /** Takes a connection off the list, if it is there. */
  remove(id: string): void {
    const connection = this.#byId.get(id);
    if (connection === undefined) return;
    this.#byId.delete(id);
    removeFrom(this.#byUser, connection.userKey, connection);
    removeFrom(this.#bySession, connection.sessionId, connection);
  }

  /** @returns The connection, if it is here. */
  get(id: string): Connection | undefined {
    return this.#byId.get(id);
  }

  /** As {@link get}, for a connection of which something is different now: see {@link missed}. */
  find(id: string): Connection | undefined {
    const connection = this.#byId.get(id);
    if (connection === undefined) this.missed += 1;
    return connection;
  }

  /** @returns Every connection of one person. */
  of(userKey: string): Connection[] {
    return [...(this.#byUser.get(userKey) ?? [])];
  }

  /** @returns Every connection of this instance. */
  all(): Connection[] {
    return [...this.#byId.values()];
  }

  /** @returns Every session that has a stream here, once. */
  sessions(): StreamingSession[] {
    return [...this.#bySession].flatMap(([sessionId, connections]) =>
      [...connections]
        .filter(({ streaming }) => streaming)
        .slice(0, 1)
        .map(({ userKey, session }) => ({
          userKey,
          sessionId,
          goodUntil: Math.min(session.idleUntil, session.endsAt),
        })),
    );
  }

  /** Ends every connection of a session that has ended. */
  async closeSession(sessionId: string): Promise<void> {
    const connections = [...(this.#bySession.get(sessionId) ?? [])];
    await Promise.all(connections.map((connection) => connection.close("session-ended")));
  }

  /** Ends everything. */
  async closeAll(why: ConnectionEnd): Promise<void> {
    await Promise.allSettled([...this.#byId.values()].map((connection) => connection.close(why)));
  }
}

function addTo(index: Map<string, Set<Connection>>, key: string, connection: Connection): void {
  const held = index.get(key);
  if (held === undefined) index.set(key, new Set([connection]));
  else held.add(connection);
}

function removeFrom(
  index: Map<string, Set<Connection>>,
  key: string,
  connection: Connection,
): void {
  const held = index.get(key);
  held?.delete(connection);
  if (held?.size === 0) index.delete(key);
}
