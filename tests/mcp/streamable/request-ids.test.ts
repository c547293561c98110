import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { describe, expect, it } from "vitest";
import { addressed, nameInstance } from "../../../shared/mcp/streamable/request-ids.ts";

const HERE = "pod.1-Ab_c-d123";
const request = (id: number | string, params = {}): JSONRPCMessage => ({
  jsonrpc: "2.0",
  id,
  method: "elicitation/create",
  params,
});

const cancel = (requestId: unknown): JSONRPCMessage => ({
  jsonrpc: "2.0",
  method: "notifications/cancelled",
  params: { requestId },
});

describe("a request of the server's own", () => {
  it("names the instance in its id and in its progress token", () => {
    const params = { message: "?", _meta: { progressToken: 3, other: 1 } };
    expect(nameInstance(request(3, params), HERE)).toMatchObject({
      id: `${HERE}~3`,
      params: { message: "?", _meta: { progressToken: `${HERE}~3`, other: 1 } },
    });
  });

  it("is named in the same way where it is cancelled", () => {
    expect(nameInstance(cancel(3), HERE)).toEqual(cancel(`${HERE}~3`));
  });

  it.each<JSONRPCMessage>([
    { jsonrpc: "2.0", id: 3, result: {} },
    { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 3 } },
  ])("is no other message: %j keeps the client's words", (message) => {
    expect(nameInstance(message, HERE)).toEqual(message);
  });
});

describe("what a client says to it", () => {
  it.each<[JSONRPCMessage, JSONRPCMessage]>([
    [
      { jsonrpc: "2.0", id: `${HERE}~3`, result: { a: 1 } },
      { jsonrpc: "2.0", id: 3, result: { a: 1 } },
    ],
    [
      { jsonrpc: "2.0", id: `${HERE}~3`, error: { code: 1, message: "no" } },
      { jsonrpc: "2.0", id: 3, error: { code: 1, message: "no" } },
    ],
    [
      {
        jsonrpc: "2.0",
        method: "notifications/progress",
        params: { progressToken: `${HERE}~3`, progress: 1 },
      },
      {
        jsonrpc: "2.0",
        method: "notifications/progress",
        params: { progressToken: 3, progress: 1 },
      },
    ],
  ])("is for the instance that has asked: %j", (message, original) => {
    expect(addressed(message)).toEqual({ instance: HERE, message: original });
  });

  it.each<JSONRPCMessage>([
    { jsonrpc: "2.0", id: 3, result: {} },
    { jsonrpc: "2.0", id: "3", result: {} },
    { jsonrpc: "2.0", id: "~3", result: {} },
    { jsonrpc: "2.0", id: `${HERE}~`, result: {} },
    { jsonrpc: "2.0", id: `${HERE}~x`, result: {} },
    { jsonrpc: "2.0", id: `${HERE}/..~3`, result: {} },
    { jsonrpc: "2.0", id: `${"x".repeat(300)}~3`, result: {} },
    { jsonrpc: "2.0", method: "notifications/progress", params: { progressToken: 3 } },
    { jsonrpc: "2.0", method: "notifications/progress" },
    request(`${HERE}~3`),
  ])("is for nobody in particular where it names none: %j", (message) => {
    expect(addressed(message)).toBeUndefined();
  });
});
