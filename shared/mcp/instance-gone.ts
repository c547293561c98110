import type { RequestId } from "@modelcontextprotocol/sdk/types.js";

/** Not in the range of JSON-RPC's own codes; the SDKs use it for a connection that is gone. */
const CONNECTION_CLOSED = -32_000;

/** What a call in progress gets when the instance goes. */
export const GRACE_MS = 500;

/** In words that a client can show. */
export const INSTANCE_GONE =
  "The server instance has gone. The call may or may not have taken effect.";

/** @returns What a call is answered with that nobody brings to an end. @param message For the person. */
export function unfinished(id: RequestId, message = INSTANCE_GONE) {
  return { jsonrpc: "2.0" as const, id, error: { code: CONNECTION_CLOSED, message } };
}
