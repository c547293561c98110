import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EventStreamBody } from "../../shared/mcp/event-stream-body.ts";
import { SseTransport } from "../../shared/mcp/sse-transport.ts";
import { QUICK_READER } from "../support/request-context.ts";

const message: JSONRPCMessage = { jsonrpc: "2.0", method: "notifications/x", params: { a: "\n" } };

let body: EventStreamBody;
let transport: SseTransport;
let undelivered: JSONRPCMessage[];
let reader: ReadableStreamDefaultReader<Uint8Array>;
let closed: ReturnType<typeof vi.fn<() => void>>;
beforeEach(() => {
  vi.useFakeTimers();
  undelivered = [];
  body = new EventStreamBody(QUICK_READER);
  transport = new SseTransport("/message?connection=c1", body, (answer) =>
    undelivered.push(answer),
  );
  reader = body.stream.getReader();
  closed = vi.fn<() => void>();
  transport.onclose = closed;
});
afterEach(async () => {
  await transport.close();
  vi.useRealTimers();
});

const read = async () => {
  const { value, done } = await reader.read();
  return done ? undefined : new TextDecoder().decode(value);
};

describe("the stream of HTTP+SSE", () => {
  it("names the endpoint first (MCP 2024-11-05, transports)", async () => {
    await transport.start();
    expect(await read()).toBe("event: endpoint\ndata: /message?connection=c1\n\n");
  });

  it("sends a keep-alive comment at once and then every 15 seconds: idle connections are cut", async () => {
    await transport.start();
    await read();
    expect(await read()).toBe(": keep-alive\n\n");
    let arrived = false;
    const next = read().finally(() => (arrived = true));
    await vi.advanceTimersByTimeAsync(14_999);
    expect(arrived).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await next).toBe(": keep-alive\n\n");
  });

  it("sends each message as one event, on one line", async () => {
    await transport.start();
    await read();
    await read();
    await transport.send(message);
    expect(await read()).toBe(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  });

  it("hands what it receives to the server, with who sent it", () => {
    const received = vi.fn();
    transport.onmessage = (...args) => received(...args) as void;
    const extra = { authInfo: { token: "", clientId: "c", scopes: ["mcp"] } };
    transport.receive(message, extra);
    expect(received).toHaveBeenCalledExactlyOnceWith(message, extra);
  });
});

describe("the end of the connection", () => {
  it("is the end of the stream, after what was sent before", async () => {
    await transport.start();
    await transport.close();
    await read();
    await read();
    expect(await read()).toBeUndefined();
  });

  it("is announced once, however often it is closed", async () => {
    await transport.start();
    await transport.close();
    await transport.close();
    expect(closed).toHaveBeenCalledOnce();
  });

  it("waits for one answer, if it is to", async () => {
    await transport.start();
    transport.receive({ jsonrpc: "2.0", id: 7, method: "tools/call" }, {});
    transport.answerBeforeClosing(7);
    await transport.close();
    expect(closed).not.toHaveBeenCalled();
    await transport.send({ jsonrpc: "2.0", id: 7, result: {} });
    expect(closed).toHaveBeenCalledOnce();
  });
});

describe("a call that was failed because its connection ends", () => {
  const call: JSONRPCMessage = { jsonrpc: "2.0", id: 7, method: "tools/call" };
  const failure: JSONRPCMessage = { jsonrpc: "2.0", id: 7, error: { code: -32_000, message: "" } };
  const answer: JSONRPCMessage = { jsonrpc: "2.0", id: 7, result: {} };

  it("is not answered once more when it comes to an end just then", async () => {
    await transport.start();
    transport.receive(call, {});
    await transport.send(failure);
    await transport.send(answer);
    await transport.close();
    await read();
    await read();
    expect(await read()).toContain("error");
    expect(await read()).toBeUndefined();
  });

  it("leaves one answer for the next connection, and not two", async () => {
    await transport.start();
    transport.receive(call, {});
    body.abandon();
    await transport.send(failure);
    await transport.send(answer);
    expect(undelivered).toEqual([failure]);
  });
});

describe("a call that its client has given up", () => {
  const cancel: JSONRPCMessage = {
    jsonrpc: "2.0",
    method: "notifications/cancelled",
    params: { requestId: 7 },
  };

  it("is not waited for: nobody answers it", async () => {
    transport.receive({ jsonrpc: "2.0", id: 7, method: "tools/call" }, {});
    transport.receive(cancel, {});
    await transport.calls.allAnswered();
    expect(transport.calls.ids).toEqual([]);
  });

  it("keeps no connection open that was to end with its answer", async () => {
    await transport.start();
    transport.receive({ jsonrpc: "2.0", id: 7, method: "tools/call" }, {});
    transport.answerBeforeClosing(7);
    await transport.close();
    transport.receive(cancel, {});
    expect(closed).toHaveBeenCalledOnce();
  });
});

describe("a connection whose stream has ended", () => {
  const answer: JSONRPCMessage = { jsonrpc: "2.0", id: 7, result: {} };

  it("hands on the answers that come after it, and drops what is of use on a stream only", async () => {
    await transport.start();
    transport.receive({ jsonrpc: "2.0", id: 7, method: "tools/call" }, {});
    await reader.cancel();
    await transport.send(message);
    await transport.send(answer);
    expect(undelivered).toEqual([answer]);
    expect(closed).not.toHaveBeenCalled();
  });

  it("does not wait for an answer that has no stream to go to", async () => {
    await transport.start();
    transport.answerBeforeClosing(7);
    body.abandon();
    await transport.close();
    expect(closed).toHaveBeenCalledOnce();
  });
});

describe("initialize, said to an earlier connection", () => {
  it("is told to the server again, and its answer to nobody", async () => {
    await transport.start();
    const received: JSONRPCMessage[] = [];
    transport.onmessage = (told) => received.push(told);
    transport.replayInitialize({ protocolVersion: "2025-11-25" });
    const [initialize, initialized] = received;
    expect(initialize).toMatchObject({
      method: "initialize",
      params: { protocolVersion: "2025-11-25" },
    });
    expect(initialized).toMatchObject({ method: "notifications/initialized" });
    if (initialize === undefined || !("id" in initialize)) throw new Error("no request");
    await transport.send({ jsonrpc: "2.0", id: initialize.id ?? "", result: {} });
    await transport.close();
    await read();
    await read();
    expect(await read()).toBeUndefined();
  });
});
