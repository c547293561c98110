import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Change } from "../features/feature.ts";
import type { Scope } from "../oauth/scopes.ts";

/** An open stream of one client, on this instance. */
export interface Connection {
  readonly id: string;
  readonly userKey: string;
  readonly sessionId: string;
  /** @param scopes Of the token that came with the message. */
  receive(message: JSONRPCMessage, scopes: readonly Scope[]): void;
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

  /** Ends every stream, when the instance is about to go. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.values()].map((connection) => connection.close()));
  }
}
