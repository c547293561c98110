import type { RequestId } from "@modelcontextprotocol/sdk/types.js";

/** Not in the range of JSON-RPC's own codes; the SDKs use it for a connection that is gone. */
const CONNECTION_CLOSED = -32_000;

/** @returns What a call is answered with that the instance cannot bring to an end. */
export function instanceGone(id: RequestId) {
  const message = "The server instance has gone. The call may or may not have taken effect.";
  return { jsonrpc: "2.0" as const, id, error: { code: CONNECTION_CLOSED, message } };
}
