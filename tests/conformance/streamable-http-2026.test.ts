import { beforeEach, expect, vi } from "vitest";
import { z } from "zod";
import { features as product } from "../../shared/features/all.ts";
import { defineTool } from "../../shared/features/feature.ts";
import { features as fixtures } from "../conformance-suite/fixtures.ts";
import { EventStream } from "../support/event-stream.ts";
import { useFacade } from "../support/facade.ts";
import { openStreams } from "../support/open-stream.ts";
import { ModernWire } from "../support/modern-wire.ts";
import { holdsEvery } from "../support/rules.ts";
import type { Account } from "../support/sign-in.ts";

const RULES = {
  postOnly: "takes POST only: 405 and which methods there are for GET and DELETE",
  noSession: "has no sessions: no answer names one, and one that is sent is ignored",
  meta: "refuses a request whose _meta says neither version nor capabilities: 400, -32602",
  clientInfo: "takes a request without clientInfo",
  headers: "refuses headers that are missing or differ from the body: 400, -32020",
  paramHeaders: "refuses Mcp-Param headers that differ from the arguments: 400, -32020",
  version: "refuses a version that it does not speak, and names its own: 400, -32022",
  capability: "refuses a call that needs what the client lacks: 400, -32021, and what that is",
  unknownMethod: "does not know methods of other revisions: 404, -32601",
  notJson: "answers what is no JSON, or no JSON-RPC, with 400, another media type with 415",
  discover: "says in server/discover what it speaks and offers, and who it is with every result",
  resultType: "says with every result whether it is complete",
  caching: "says with every list and read for how long and for whom it holds",
  unknownResource: "refuses a resource that is not there: -32602 with its URI",
  json: "answers at once what is there at once: JSON",
  progress: "streams a call that reports progress, and lets no proxy hold it back",
  keepAlive: "keeps a call alive that is silent: the stream begins after a second",
  logLevel: "tells what goes on only to a request that asks for it, from its level on",
  cancelled: "cancels the call when its stream is closed, before and after the first byte",
  listenFirst: "acknowledges a subscription first, with what it grants of what was asked for",
  listenOnly: "sends a subscription what it asked for, nothing else, and its id with everything",
  listenOwn: "tells nobody of another person's changes",
  listenNothing: "ends a subscription to nothing at once",
  listenBad: "refuses a subscription that does not say to what: -32602",
  listenEnd: "ends a subscription with its session, gracefully",
  rounds: "has a feature's questions answered in rounds, on any instance",
  stateBound: "refuses the state of a round that is another's, for another request, or changed",
  stateOld: "refuses the state of a round after ten minutes",
} as const;

const running = new Set<string>();
const done = new Map<string, string>();

/** Runs until it is told to stop. */
const wait = defineTool({
  name: "wait",
  title: "Wait",
  description: "Waits until it is told to stop.",
  input: z.object({ key: z.string(), progress: z.boolean().default(false) }),
  async run({ key, progress }, call) {
    running.add(key);
    if (progress) await call.progress({ progress: 1 });
    await new Promise((resolve) => {
      call.signal.addEventListener("abort", resolve);
    });
    done.set(key, "aborted");
    return "stopped";
  },
});
const slowBegan = Promise.withResolvers<void>();
const slowMayEnd = Promise.withResolvers<void>();
const slow = defineTool({
  name: "slow",
  title: "Slow",
  description: "Takes until the test lets it finish.",
  input: z.object({}),
  async run() {
    slowBegan.resolve();
    await slowMayEnd.promise;
    return "at last";
  },
});

const facade = useFacade(
  {},
  {
    ...fixtures,
    tools: [...product.tools, ...fixtures.tools, wait, slow],
    resources: [...product.resources, ...fixtures.resources],
    promptSources: product.promptSources,
  },
);

async function tokenOf(account: Account): Promise<string> {
  const client = account === "alice" ? facade.client : await facade.stranger();
  const resource = `${facade.app.baseUrl}/mcp`;
  const scope = "mcp user.read calendar.read";
  return (await client.tokens(account, { resource, scope })).access_token;
}

async function wireOf(account: Account = "alice"): Promise<ModernWire> {
  return new ModernWire(facade.app, await tokenOf(account));
}

let wire: ModernWire;
beforeEach(async () => {
  running.clear();
  done.clear();
  wire = await wireOf();
});

const SERVER_INFO = "io.modelcontextprotocol/serverInfo";
const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";

/** A subscription, past its acknowledgement. */
async function listen(notifications: Record<string, unknown>, by = wire): Promise<EventStream> {
  const stream = new EventStream(await by.send("subscriptions/listen", { notifications }));
  const first = await message(stream);
  expect(first).toMatchObject({ method: "notifications/subscriptions/acknowledged" });
  return stream;
}

const listedSessions = z.object({ sessions: z.array(z.object({ sessionId: z.string() })) });

async function message(stream: EventStream): Promise<Record<string, unknown> | undefined> {
  const event = await stream.next();
  return event && (JSON.parse(event.data) as Record<string, unknown>);
}

async function rest(stream: EventStream): Promise<Record<string, unknown>[]> {
  const messages = [];
  for (let it = await message(stream); it !== undefined; it = await message(stream)) {
    messages.push(it);
  }
  return messages;
}

const levelsHeard = async (meta: Record<string, unknown>) => {
  const params = { name: "test_tool_with_logging", arguments: {} };
  const response = await wire.send("tools/call", params, { meta });
  if (response.headers.get("content-type") === "application/json") return [];
  const messages = await rest(new EventStream(response));
  return messages.slice(0, -1).map(({ method }) => method);
};

const callWait = (key: string, signal: AbortSignal, progress = false) =>
  wire.send(
    "tools/call",
    { name: "wait", arguments: { key, progress } },
    { signal, meta: { progressToken: 1 } },
  );

const accept = (content: unknown) => ({ action: "accept", content });

holdsEvery("Streamable HTTP (MCP 2026-07-28)", RULES, {
  async postOnly() {
    const authorization = `Bearer ${await tokenOf("alice")}`;
    for (const method of ["GET", "DELETE", "PUT"]) {
      const headers = {
        "mcp-protocol-version": "2026-07-28",
        authorization,
      };
      const response = await facade.app.fetch(`${facade.app.baseUrl}/mcp`, { method, headers });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toContain("POST");
    }
  },

  async noSession() {
    const response = await wire.send(
      "tools/list",
      {},
      { headers: { "mcp-session-id": "made-up" } },
    );
    expect(response.status).toBe(200);
    expect(response.headers.get("mcp-session-id")).toBeNull();
  },

  async meta() {
    for (const name of ["protocolVersion", "clientCapabilities"]) {
      const meta = { [`io.modelcontextprotocol/${name}`]: undefined };
      const { status, error } = await wire.ask("tools/list", {}, { meta });
      expect([status, error?.code]).toEqual([400, -32_602]);
    }
  },

  async clientInfo() {
    const meta = { "io.modelcontextprotocol/clientInfo": undefined };
    expect((await wire.ask("tools/list", {}, { meta })).result).toBeDefined();
  },

  async headers() {
    const params = { name: "test_simple_text", arguments: {} };
    const different: Record<string, string | undefined>[] = [
      { "mcp-protocol-version": undefined },
      { "mcp-protocol-version": "2025-11-25" },
      { "mcp-method": undefined },
      { "mcp-method": "tools/list" },
      { "mcp-name": undefined },
      { "mcp-name": "test_error_handling" },
    ];
    for (const headers of different) {
      const { status, error } = await wire.ask("tools/call", params, { headers });
      expect([headers, status, error?.code]).toEqual([headers, 400, -32_020]);
    }
  },

  async paramHeaders() {
    const params = { name: "test_x_mcp_header", arguments: { region: "eu" } };
    const ask = (headers: Record<string, string>) => wire.ask("tools/call", params, { headers });
    expect((await ask({ "mcp-param-region": "eu" })).result).toBeDefined();
    const headerless: Record<string, string> = {};
    for (const headers of [headerless, { "mcp-param-region": "us" }]) {
      const { status, error } = await ask(headers);
      expect([status, error?.code]).toEqual([400, -32_020]);
    }
  },

  async version() {
    const meta = { "io.modelcontextprotocol/protocolVersion": "2099-01-01" };
    const headers = { "mcp-protocol-version": "2099-01-01" };
    const { status, error } = await wire.ask("tools/list", {}, { meta, headers });
    expect([status, error?.code]).toEqual([400, -32_022]);
    expect(error?.data?.["supported"]).toContain("2026-07-28");
  },

  async capability() {
    const params = { name: "test_missing_capability", arguments: {} };
    const { status, error } = await wire.ask("tools/call", params);
    expect([status, error?.code]).toEqual([400, -32_021]);
    expect(error?.data).toEqual({ requiredCapabilities: { sampling: {} } });
  },

  async unknownMethod() {
    for (const method of ["initialize", "ping", "logging/setLevel", "resources/subscribe", "x"]) {
      const { status, error } = await wire.ask(method, {});
      expect([method, status, error?.code]).toEqual([method, 404, -32_601]);
    }
  },

  async notJson() {
    const broken = await wire.post("{");
    expect(broken.status).toBe(400);
    expect(await broken.json()).toMatchObject({ id: null, error: { code: -32_700 } });
    for (const body of ["7", "null", "{}", `[{"jsonrpc":"2.0","id":1,"method":7}]`]) {
      const response = await wire.post(body);
      expect([body, response.status]).toEqual([body, 400]);
    }
    expect((await wire.post("{}", { "content-type": "text/plain" })).status).toBe(415);
    const large = await wire.post(JSON.stringify({ x: "x".repeat(4 * 1024 * 1024) }));
    expect(large.status).toBe(413);
  },

  async discover() {
    const { result } = await wire.ask("server/discover");
    expect(result).toMatchObject({
      supportedVersions: ["2026-07-28"],
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
      _meta: { [SERVER_INFO]: { name: "entra-mcp-functions" } },
    });
    const called = await wire.call("test_simple_text");
    expect(called.result?.["_meta"]).toMatchObject({
      [SERVER_INFO]: { name: "entra-mcp-functions" },
    });
  },

  async resultType() {
    expect((await wire.ask("tools/list")).result?.["resultType"]).toBe("complete");
    expect((await wire.call("test_simple_text")).result?.["resultType"]).toBe("complete");
    const asked = await wire.call("test_input_required_result_elicitation");
    expect(asked.result?.["resultType"]).toBe("input_required");
  },

  async caching() {
    for (const list of ["tools", "prompts", "resources", "resources/templates"]) {
      const { result } = await wire.ask(`${list}/list`);
      expect(result).toMatchObject({ ttlMs: expect.any(Number) as number, cacheScope: "private" });
    }
    const { result } = await wire.ask("resources/read", { uri: "test://static-text" });
    expect(result).toMatchObject({ ttlMs: 0, cacheScope: "private" });
  },

  async unknownResource() {
    const uri = "test://nowhere";
    const { error } = await wire.ask("resources/read", { uri });
    expect(error).toMatchObject({ code: -32_602, data: { uri } });
  },

  async json() {
    const response = await wire.send("tools/list");
    expect(response.headers.get("content-type")).toBe("application/json");
    await response.json();
  },

  async progress() {
    const response = await wire.send(
      "tools/call",
      { name: "test_tool_with_progress", arguments: {} },
      { meta: { progressToken: "p" } },
    );
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    const messages = await rest(new EventStream(response));
    const told = messages.slice(0, -1).map(({ params }) => params);
    expect(told).toEqual(
      [0, 50, 100].map((n) => ({ progressToken: "p", progress: n, total: 100 })),
    );
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { resultType: "complete" } });
  },

  async keepAlive() {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const answer = wire.send("tools/call", { name: "slow", arguments: {} });
    await slowBegan.promise;
    vi.advanceTimersByTime(1_000);
    vi.useRealTimers();
    const response = await answer;
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = (response.body ?? new ReadableStream<Uint8Array>()).getReader();
    const first = await reader.read();
    expect(new TextDecoder().decode(first.value)).toBe(": keep-alive\n\n");
    reader.releaseLock();
    slowMayEnd.resolve();
    expect(await rest(new EventStream(response))).toMatchObject([
      { id: 1, result: { content: [{ text: "at last" }] } },
    ]);
  },

  async logLevel() {
    const level = "io.modelcontextprotocol/logLevel";
    expect(await levelsHeard({})).toEqual([]);
    expect(await levelsHeard({ [level]: "error" })).toEqual([]);
    expect(await levelsHeard({ [level]: "info" })).toEqual(Array(3).fill("notifications/message"));
  },

  async cancelled() {
    const silent = new AbortController();
    const pending = callWait("silent", silent.signal);
    await expect.poll(() => running.has("silent")).toBe(true);
    silent.abort();
    await expect.poll(() => done.get("silent")).toBe("aborted");
    await pending;

    const streaming = new AbortController();
    const stream = new EventStream(await callWait("streaming", streaming.signal, true));
    expect(await message(stream)).toMatchObject({ method: "notifications/progress" });
    streaming.abort();
    await expect.poll(() => done.get("streaming")).toBe("aborted");
    expect(await rest(stream)).toEqual([]);
  },

  async listenFirst() {
    const notifications = {
      promptsListChanged: true,
      toolsListChanged: false,
      resourceSubscriptions: ["settings://me"],
    };
    const response = await wire.send("subscriptions/listen", { notifications });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    const stream = new EventStream(response);
    expect(await message(stream)).toEqual({
      jsonrpc: "2.0",
      method: "notifications/subscriptions/acknowledged",
      params: {
        notifications: { promptsListChanged: true, resourceSubscriptions: ["settings://me"] },
        _meta: { [SUBSCRIPTION]: 1 },
      },
    });
    await stream.close();
  },

  async listenOnly() {
    const stream = await listen({ resourceSubscriptions: ["settings://me"] });
    await wire.call("test_trigger_tool_change");
    await wire.call("updateSettings", { savedPrompts: [{ name: "a", text: "b" }] });
    expect(await message(stream)).toEqual({
      jsonrpc: "2.0",
      method: "notifications/resources/updated",
      params: { uri: "settings://me", _meta: { [SUBSCRIPTION]: 1 } },
    });
    await stream.close();
    const lists = await listen({ toolsListChanged: true, promptsListChanged: true });
    await wire.call("test_trigger_prompt_change");
    await wire.call("test_trigger_tool_change");
    const [prompts, tools] = [await message(lists), await message(lists)];
    expect(prompts).toMatchObject({ method: "notifications/prompts/list_changed" });
    expect(tools).toMatchObject({ method: "notifications/tools/list_changed" });
    await lists.close();
  },

  async listenOwn() {
    const bob = await wireOf("bob");
    const stream = await listen({ resourceSubscriptions: ["settings://me"] });
    await bob.call("updateSettings", { timeZone: "Asia/Tokyo" });
    await bob.call("test_trigger_tool_change");
    await wire.call("updateSettings", { timeZone: "Europe/Berlin" });
    expect(await message(stream)).toMatchObject({ method: "notifications/resources/updated" });
    await facade.app.app.close();
    expect(await rest(stream)).toMatchObject([{ result: {} }]);
  },

  async listenNothing() {
    const stream = await listen({});
    expect(await rest(stream)).toMatchObject([{ id: 1, result: { resultType: "complete" } }]);
    expect(await openStreams(facade.app)).toBe(0);
  },

  async listenBad() {
    const { error } = await wire.ask("subscriptions/listen", {});
    expect(error?.code).toBe(-32_602);
  },

  async listenEnd() {
    const stream = await listen({ toolsListChanged: true });
    const { result } = await wire.call("listSessions");
    const { sessions } = listedSessions.parse(result?.["structuredContent"]);
    await wire.call("revokeSession", { sessionId: sessions[0]?.sessionId });
    expect(await rest(stream)).toMatchObject([{ id: 1, result: { resultType: "complete" } }]);
    expect((await wire.send("tools/list")).status).toBe(401);
  },

  async rounds() {
    const tool = "test_input_required_result_multi_round";
    const first = (await wire.call(tool)).result;
    const second = await wire.call(
      tool,
      {},
      {
        inputResponses: { step1: accept({ name: "Ann" }) },
        requestState: first?.["requestState"],
      },
    );
    expect(Object.keys(second.result?.["inputRequests"] ?? {})).toEqual(["step2"]);
    const third = await wire.call(
      tool,
      {},
      {
        inputResponses: { step2: accept({ color: "red" }) },
        requestState: second.result?.["requestState"],
      },
    );
    expect(third.result).toMatchObject({ content: [{ text: '{"name":"Ann"} red' }] });
  },

  async stateBound() {
    const tool = "test_input_required_result_request_state";
    const inputResponses = { confirm: { action: "accept", content: { ok: true } } };
    const { result } = await wire.call(tool);
    const requestState = String(result?.["requestState"]);
    const again = { inputResponses, requestState };
    const other = await new ModernWire(
      facade.app,
      (await (await facade.stranger()).tokens("alice", { resource: `${facade.app.baseUrl}/mcp` }))
        .access_token,
    ).call(tool, {}, again);
    const refused = [
      await (await wireOf("bob")).call(tool, {}, again),
      other,
      await wire.call("test_input_required_result_tampered_state", {}, again),
      await wire.call(tool, { extra: 1 }, again),
      await wire.call(tool, {}, { ...again, requestState: `${requestState.slice(0, -4)}AAAA` }),
    ];
    for (const { error } of refused) {
      expect(error).toMatchObject({ code: -32_602, data: { reason: "invalid_request_state" } });
    }
    expect((await wire.call(tool, {}, again)).result).toMatchObject({
      content: [{ text: "state-ok" }],
    });
  },

  async stateOld() {
    const tool = "test_input_required_result_request_state";
    const { result } = await wire.call(tool);
    facade.app.clock.advance({ seconds: 600 });
    const { error } = await wire.call(tool, {}, { requestState: result?.["requestState"] });
    expect(error?.code).toBe(-32_602);
  },
});
