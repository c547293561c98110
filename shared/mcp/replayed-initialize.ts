import type { JSONRPCMessage } from "@modelcontextprotocol/server";

/** The id under which `initialize` is replayed to a server; its answer goes nowhere. */
export const REPLAY_ID = "replayed-initialize";

/**
 * @param params Of `initialize`, as the client has told them to another connection or instance.
 * @returns What tells a new server of them, as if the client had said it there.
 */
export function replayOf(params: Readonly<Record<string, unknown>>): JSONRPCMessage[] {
  return [
    { jsonrpc: "2.0", id: REPLAY_ID, method: "initialize", params },
    { jsonrpc: "2.0", method: "notifications/initialized" },
  ];
}
