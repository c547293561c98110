import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { features } from "../../shared/features/all.ts";
import { defineTool } from "../../shared/features/feature.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { useFacade } from "../support/facade.ts";
import { ModernWire } from "../support/modern-wire.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { OutageStore } from "../support/outage-store.ts";
import { RecordingTelemetry } from "../support/recording-telemetry.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";

const facade = useFacade();
let telemetry: RecordingTelemetry;
let store: OutageStore;
let app: TestApp;
let token: string;
let stream: EventStream;

const add = defineTool({
  name: "add",
  title: "Add",
  description: "Needs nothing from anywhere.",
  requires: "mcp",
  input: z.object({ a: z.number(), b: z.number() }),
  output: z.object({ sum: z.number() }),
  run: async ({ a, b }) => ({ sum: a + b }),
});

beforeEach(async () => {
  telemetry = new RecordingTelemetry();
  store = new OutageStore(new MemoryStore());
  app = createTestApp({
    entraUrl: facade.entra.url,
    telemetry,
    store,
    features: { ...features, tools: [...features.tools, add] },
  });
  const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
  // Good at both endpoints.
  token = (await client.tokens("alice", { resource: app.baseUrl })).access_token;
  stream = await EventStream.open(app, token);
  // Keys, sessions and documents have been read by now.
  await stream.callTool("add", { a: 1, b: 1 });
  telemetry.reset();
});

/** The one span of a name. */
function only(name: string): ReadableSpan {
  const [span, ...more] = telemetry.named(name);
  if (span === undefined || more.length > 0) {
    throw new Error(`not one ${name}: ${telemetry.spans.map((other) => other.name).join(", ")}`);
  }
  return span;
}

/** A client's. */
const trace = "0af7651916cd43dd8448eb211c80319c";

const parentOf = (span: ReadableSpan) => span.parentSpanContext?.spanId;
const idOf = (span: ReadableSpan) => span.spanContext().spanId;
const traceOf = (span: ReadableSpan) => span.spanContext().traceId;

/** Calls a tool with a `_meta` of the test's. */
async function call(name: string, meta: Record<string, unknown> = {}): Promise<void> {
  const params = { name, arguments: { a: 1, b: 2 }, _meta: meta };
  await stream.post({ jsonrpc: "2.0", id: "call", method: "tools/call", params });
  await stream.next();
}

describe("a tool call that reads from Graph", () => {
  it("is one trace: request, tool, token, Graph", async () => {
    await stream.callTool("getUserDetails");
    const [request, tool] = [only("POST /message"), only("tools/call getUserDetails")];
    const [entra, graph] = [only("entra graphToken"), only("GET /v1.0/me")];
    expect(parentOf(request)).toBeUndefined();
    expect(parentOf(tool)).toBe(idOf(request));
    expect(parentOf(entra)).toBe(idOf(tool));
    expect(parentOf(graph)).toBe(idOf(tool));
    const reads = telemetry.named("get vault");
    expect(reads).not.toEqual([]);
    for (const read of reads) expect(parentOf(read)).toBe(idOf(entra));
    expect(new Set(telemetry.spans.map(traceOf)).size).toBe(1);
    expect(request.attributes).toEqual({ "http.route": "/message", "http.status": 202 });
    expect(tool.attributes).toEqual({
      "mcp.method.name": "tools/call",
      "gen_ai.tool.name": "getUserDetails",
      outcome: "success",
    });
    expect(graph.attributes).toEqual({
      "http.request.method": "GET",
      "server.address": "localhost",
      "http.response.status_code": 200,
    });
  });

  it("is one trace at /mcp too, with a link to the client's", async () => {
    const meta = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
    const wire = new ModernWire(app, token);
    await wire.ask("tools/call", { name: "getUserDetails", arguments: {} }, { meta });
    const [request, tool] = [only("POST /mcp"), only("tools/call getUserDetails")];
    expect(parentOf(tool)).toBe(idOf(request));
    expect(parentOf(only("GET /v1.0/me"))).toBe(idOf(tool));
    expect(tool.links.map(({ context }) => context.traceId)).toEqual([trace]);
  });

  it("says what Graph answered, and that the tool failed", async () => {
    facade.entra.set({ serverError: ["graph"] });
    await stream.callTool("getUserDetails");
    expect(only("GET /v1.0/me").attributes).toMatchObject({ outcome: "500" });
    expect(only("tools/call getUserDetails").attributes).toMatchObject({
      outcome: "tool_error",
    });
  });

  it("puts the trace into its log lines", async () => {
    await stream.callTool("getUserDetails");
    const called = telemetry.lines.find(({ body }) => String(body).includes("tool-called"));
    expect(called?.traceId).toBe(traceOf(only("POST /message")));
  });
});

describe("a tool call in steady state", () => {
  it("has two spans and none for storage: there is no operation", async () => {
    await stream.callTool("add", { a: 2, b: 3 });
    expect(telemetry.spans.map(({ name }) => name).toSorted()).toEqual([
      "POST /message",
      "tools/call add",
    ]);
  });

  it("keeps a name that is no tool's out of its span", async () => {
    await call("alice@contoso.example");
    const span = only("tools/call");
    expect(span.attributes).toEqual({
      "mcp.method.name": "tools/call",
      outcome: "UnknownFeature",
    });
  });
});

describe("the trace of a client", () => {
  it("is linked from the tool's span, which stays in the trace of its request", async () => {
    await call("add", { traceparent: `00-${trace}-b7ad6b7169203331-01` });
    const span = only("tools/call add");
    expect(span.links.map(({ context }) => context.traceId)).toEqual([trace]);
    expect(traceOf(span)).toBe(traceOf(only("POST /message")));
  });

  it.each([
    ["no text", 7],
    ["another format", `${trace}-b7ad6b7169203331-1`],
    ["no trace", `00-${"0".repeat(32)}-b7ad6b7169203331-01`],
    ["text behind it", `00-${trace}-b7ad6b7169203331-01-<script>`],
  ])("is not looked at where it is %s", async (_what, traceparent) => {
    await call("add", { traceparent });
    expect(only("tools/call add").links).toEqual([]);
  });
});

describe("a request", () => {
  it("that fails says with which status, and its storage operation why", async () => {
    app.clock.advance({ seconds: 600 });
    store.down = true;
    await stream.post({ jsonrpc: "2.0", id: "late", method: "ping" });
    expect(only("POST /message").attributes).toMatchObject({
      "http.status": 503,
      outcome: "503",
    });
    expect(only("get sessions").attributes).toEqual({
      "db.system.name": "azure.table",
      "db.operation.name": "get",
      "db.collection.name": "sessions",
      outcome: "StorageUnavailable",
    });
  });

  it("has neither its query nor a method that somebody made up in its span", async () => {
    await app.fetch(new URL("/health?name=alice", app.baseUrl), { method: "PURGE" });
    const span = only("_OTHER /health");
    expect(JSON.stringify([span.name, span.attributes])).not.toMatch(/alice|PURGE/);
  });

  it("at a document of a resource has the route, whatever the path", async () => {
    const path = "/.well-known/oauth-protected-resource/sse";
    await app.fetch(new URL(path, app.baseUrl));
    expect(only("GET /.well-known/oauth-protected-resource").attributes).toMatchObject({
      "http.status": 200,
    });
  });

  it("that signs a person in is a trace with Entra and the rows that are written", async () => {
    await (await new OAuthTestClient(app.baseUrl, app.fetch).register()).code("bob");
    const callback = only("GET /callback");
    expect(parentOf(only("entra redeemCode"))).toBe(idOf(callback));
    expect(parentOf(only("put sessions"))).toBe(idOf(callback));
  });

  it("that Entra refuses has Entra's number", async () => {
    facade.entra.set({ userDisabled: ["bob"] });
    facade.entra.set({ tokenFault: 50057 });
    await (
      await new OAuthTestClient(app.baseUrl, app.fetch).register()
    )
      .code("alice")
      .catch(() => 0);
    expect(only("entra redeemCode").attributes).toMatchObject({
      "entra.error": "AADSTS50057",
      outcome: "EntraError",
    });
  });
});

describe("what goes on behind the requests", () => {
  it("belongs to none of them: the inbox is read without a span", async () => {
    store.operations = 0;
    await expect.poll(() => store.operations).toBeGreaterThan(5);
    expect(telemetry.spans).toEqual([]);
  });

  it("is logged without a trace, though a request has started it", async () => {
    store.down = true;
    await expect
      .poll(() => telemetry.lines.map(({ body }) => String(body)).join())
      .toContain("relay-out");
    const line = telemetry.lines.find(({ body }) => String(body).includes("relay-out"));
    expect(line?.traceId).toBeUndefined();
  });
});
