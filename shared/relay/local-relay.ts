import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Change } from "../features/feature.ts";
import type { Connections } from "../mcp/connections.ts";
import type { Caller } from "../sessions/bearer.ts";
import type { Relay } from "./relay.ts";

/** The relay of a single instance: every stream is here, or nowhere. */
export class LocalRelay implements Relay {
  readonly #connections: Connections;

  constructor(deps: { connections: Connections }) {
    this.#connections = deps.connections;
  }

  async deliver(
    connectionId: string,
    caller: Caller,
    message: JSONRPCMessage,
  ): Promise<"accepted" | "unknown"> {
    const { session } = caller;
    const connection = this.#connections.get(connectionId);
    // A connection id never authenticates: the caller's own session must have opened it.
    if (connection?.sessionId !== session.id || connection.userKey !== session.userKey) {
      return "unknown";
    }
    connection.receive(message, caller);
    return "accepted";
  }

  async announce(userKey: string, change: Change): Promise<void> {
    // Who made the change has no part in a stream that is just ending.
    await Promise.allSettled(
      this.#connections.of(userKey).map((connection) => connection.announce(change)),
    );
  }

  endSession(sessionId: string): Promise<void> {
    return this.#connections.closeSession(sessionId);
  }
}
