import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { SseTransport } from "../../shared/mcp/sse-transport.ts";

const message: JSONRPCMessage = { jsonrpc: "2.0", method: "notifications/x", params: { a: "\n" } };

let transport: SseTransport;
let reader: ReadableStreamDefaultReader<Uint8Array>;
let closed: ReturnType<typeof vi.fn<() => void>>;
beforeEach(() => {
  vi.useFakeTimers();
  transport = new SseTransport("/message?connection=c1");
  reader = transport.stream.getReader();
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

describe("the end of the stream", () => {
  it("is the end of its body, after what was sent before", async () => {
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

  it("is announced once when the reader goes away, also if it is closed then", async () => {
    await transport.start();
    await reader.cancel();
    await transport.close();
    expect(closed).toHaveBeenCalledOnce();
  });

  it("is the end of the keep-alive: nothing is left that would hold the process", async () => {
    await transport.start();
    expect(vi.getTimerCount()).toBe(1);
    await reader.cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("makes sending an error: the answer has nowhere to go", async () => {
    await transport.start();
    await transport.close();
    await expect(transport.send(message)).rejects.toThrow("The stream has ended.");
  });
});
