import { expect, it } from "vitest";
import { jsonRpcMessage } from "../../shared/mcp/json-rpc.ts";

it.each([
  ["a request", { id: 1, method: "ping" }],
  ["a request with parameters", { id: "a", method: "ping", params: { _meta: {}, x: 1 } }],
  ["a notification", { method: "notifications/initialized" }],
  ["a result", { id: 1, result: {} }],
  ["an error without data, which need not be there", { id: 1, error: { code: -1, message: "" } }],
  ["an error with data", { id: 1, error: { code: -1, message: "", data: [1] } }],
  ["an error that answers nothing in particular", { error: { code: -1, message: "" } }],
])("knows %s (JSON-RPC 2.0 §4, §5)", (_, message) => {
  const whole = { jsonrpc: "2.0", ...message };
  expect(jsonRpcMessage.parse(whole)).toEqual(whole);
});

it.each([
  ["another version", { jsonrpc: "1.0", id: 1, method: "ping" }],
  ["an id that is no number or text", { jsonrpc: "2.0", id: null, method: "ping" }],
  ["a result and an error", { jsonrpc: "2.0", id: 1, result: {}, error: { code: 1, message: "" } }],
])("knows none with %s", (_, message) => {
  expect(jsonRpcMessage.safeParse(message).success).toBe(false);
});
