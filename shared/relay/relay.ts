import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Change } from "../features/feature.ts";
import type { Caller } from "../sessions/bearer.ts";

/**
 * The seam to where streams are: a message runs on the instance that holds its stream, wherever it was
 * posted. `local-relay.ts` knows the streams of its own instance only.
 */
export interface Relay {
  /**
   * Hands a message to a stream.
   *
   * @returns "accepted", or "unknown" for a connection that is not there or belongs to another session.
   */
  deliver(
    connectionId: string,
    caller: Caller,
    message: JSONRPCMessage,
  ): Promise<"accepted" | "unknown">;
  /** Tells every stream of a person about a change. */
  announce(userKey: string, change: Change): Promise<void>;
  /** Closes the streams of a session that has ended. */
  endSession(sessionId: string): Promise<void>;
}
