import type {
  JSONRPCErrorResponse,
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResultResponse,
  RequestId,
} from "@modelcontextprotocol/server";
import { z } from "zod";

const jsonrpc = z.literal("2.0");
const id = z.union([z.string(), z.number().int()]);
const meta = z.looseObject({
  progressToken: id.optional(),
  "io.modelcontextprotocol/related-task": z.object({ taskId: z.string() }).optional(),
});
const params = z.looseObject({ _meta: meta.optional() }).optional();
const error = z.object({
  code: z.number().int(),
  message: z.string(),
  data: z.unknown().optional(),
});

/**
 * A message as far as any of them goes, in every revision. What is in its parameters and results is for the
 * SDKs to judge; they are not asked for this, so that who only hands messages on need not load them.
 */
export const jsonRpcMessage: z.ZodType<JSONRPCMessage> = z.union([
  z.strictObject({ jsonrpc, id, method: z.string(), params }),
  z.strictObject({ jsonrpc, method: z.string(), params }),
  z.strictObject({ jsonrpc, id, result: z.looseObject({ _meta: meta.optional() }) }),
  z.strictObject({ jsonrpc, id: id.optional(), error }),
]);

/** Whether a message is to be answered (JSON-RPC 2.0 §4). */
export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return "method" in message && "id" in message;
}

/** Whether it is told and not answered (JSON-RPC 2.0 §4.1). */
export function isNotification(message: JSONRPCMessage): message is JSONRPCNotification {
  return "method" in message && !("id" in message);
}

/** Whether it answers a request, with a result or an error (JSON-RPC 2.0 §5). */
export function isAnswer(
  message: JSONRPCMessage,
): message is JSONRPCResultResponse | JSONRPCErrorResponse {
  return !("method" in message);
}

/** Whether it gives up a request (MCP, cancellation). */
export function isCancellation(message: JSONRPCMessage): message is JSONRPCNotification {
  return isNotification(message) && message.method === "notifications/cancelled";
}

/** Whether something that a client has sent can be the id of a request (MCP: a string or a number). */
export function isRequestId(value: unknown): value is RequestId {
  return typeof value === "string" || typeof value === "number";
}
