import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { beforeEach, expect, it, vi } from "vitest";
import { Exchange } from "../../../shared/mcp/streamable/exchange.ts";
import { SessionTransport } from "../../../shared/mcp/streamable/session-transport.ts";
import { createSessionParts } from "../../support/parts.ts";
import { QUICK_READER } from "../../support/request-context.ts";

const call: JSONRPCMessage = { jsonrpc: "2.0", id: 7, method: "tools/call" };
const cancel: JSONRPCMessage = {
  jsonrpc: "2.0",
  method: "notifications/cancelled",
  params: { requestId: 7 },
};

let transport: SessionTransport;
let closed: ReturnType<typeof vi.fn<() => void>>;
const session = createSessionParts().session();
const caller = { session, scopes: session.scopes };

beforeEach(() => {
  transport = new SessionTransport(
    "session",
    () => "instance",
    () => undefined,
  );
  closed = vi.fn<() => void>();
  transport.onclose = closed;
  const exchange = new Exchange({
    ids: [7],
    batch: false,
    primed: true,
    resumable: undefined,
    client: { ...QUICK_READER, disconnected: new AbortController().signal },
    onAnswered: () => undefined,
  });
  transport.receive(call, caller, exchange);
});

it("a call that ends its own session is answered before that", async () => {
  transport.answerBeforeClosing(7);
  await transport.close();
  expect(closed).not.toHaveBeenCalled();
  await transport.send({ jsonrpc: "2.0", id: 7, result: {} });
  expect(closed).toHaveBeenCalledOnce();
});

it("a call that ends its own session, and that its client has given up, keeps it open no longer", async () => {
  transport.answerBeforeClosing(7);
  await transport.close();
  transport.receive(cancel, caller);
  expect(closed).toHaveBeenCalledOnce();
});

it("a session that is to end does not wait for a call that was given up before", async () => {
  transport.answerBeforeClosing(7);
  transport.receive(cancel, caller);
  await transport.close();
  expect(closed).toHaveBeenCalledOnce();
});
