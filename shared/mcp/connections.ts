import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Change } from "../features/feature.ts";
import type { Caller } from "../sessions/bearer.ts";

/** An open stream of one client, on this instance. */
export interface Connection {
  readonly id: string;
  readonly userKey: string;
  readonly sessionId: string;
  /** @param caller As the token says that came with this very message, and the session as it is now. */
  receive(message: JSONRPCMessage, caller: Caller): void;
  /** Tells the client about a change, if it has asked to be told. */
  announce(change: Change): Promise<void>;
  close(): Promise<void>;
}

/** The streams that this instance holds. */
export class Connections {
  readonly #open = new Map<string, Connection>();

  get count(): number {
    return this.#open.size;
  }

  add(connection: Connection): void {
    this.#open.set(connection.id, connection);
  }

  remove(id: string): void {
    this.#open.delete(id);
  }

  get(id: string): Connection | undefined {
    return this.#open.get(id);
  }

  /** @returns Every stream of one person. */
  of(userKey: string): Connection[] {
    return [...this.#open.values()].filter((connection) => connection.userKey === userKey);
  }

  /** @returns Every session that has a stream here, once. */
  sessions(): { userKey: string; sessionId: string }[] {
    const distinct = new Map(
      [...this.#open.values()].map(({ userKey, sessionId }) => [sessionId, { userKey, sessionId }]),
    );
    return [...distinct.values()];
  }

  /** Ends every stream of one session. */
  async closeSession(sessionId: string): Promise<void> {
    const streams = [...this.#open.values()].filter((stream) => stream.sessionId === sessionId);
    await Promise.all(streams.map((stream) => stream.close()));
  }

  /** Ends every stream, when the instance is about to go. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.values()].map((connection) => connection.close()));
  }
}
