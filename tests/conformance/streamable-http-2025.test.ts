import { decodeJwt } from "jose";
import { afterEach, beforeEach, expect, vi } from "vitest";
import { z } from "zod";
import { features as product } from "../../shared/features/all.ts";
import { defineTool, type Features } from "../../shared/features/feature.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { features as fixtures } from "../conformance-suite/fixtures.ts";
import { EventStream } from "../support/event-stream.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { holdsEvery } from "../support/rules.ts";
import { type Answered, nextMessage, readAnswer, SessionWire } from "../support/session-wire.ts";
import type { Account } from "../support/sign-in.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { TestClock } from "../support/test-clock.ts";

const RULES = {
  initialize: "gives a session with the answer to initialize: an id that nobody can guess",
  versions: "agrees on any revision of 2024 and 2025, and answers with its own for others",
  accept: "refuses a client that does not accept what it may answer with: 406",
  mediaType: "refuses another media type: 415, what is no JSON-RPC: 400, too large: 413",
  noSession: "refuses what names no session: 400, for POST, GET and DELETE",
  unknownSession: "knows no session that has ended, or never was, or is another's: 404",
  foreignSession: "gives nobody a session by its id: other people and other clients get 404",
  version: "refuses a version that it does not speak: 400; absent, it is the one agreed on",
  batches: "takes batches in 2025-03-26 and answers them as one; 400 in the others",
  accepted: "answers a notification or a response with 202 and no body",
  json: "answers at once what is there at once: JSON",
  stream: "streams a call that says something on its way, and ends with the answer",
  late: "streams what takes longer than a second",
  primed: "begins a stream with an id and an empty event, for clients that can read one",
  ids: "names each event once in a session",
  sameId: "refuses a request whose id is still being answered: 400",
  anyInstance: "answers a session at any instance, and remembers what any was told",
  getStream: "opens a stream with GET, on which changes of the person are told",
  oneStream: "holds one stream of a session, the newest, wherever the one before was",
  missed: "tells a client that comes back for its stream that anything may have changed",
  asks: "asks the client on the stream of its call, and takes the answer at any instance",
  cannotAsk: "fails a call in words where the client cannot answer",
  forgedAnswer: "takes no answer from another session, and none to what nobody asked",
  cancelled: "cancels a call wherever the word arrives, and does not answer it",
  cancelledStream:
    "ends the stream of a cancelled call with an error (deviates from cancellation, SHOULD NOT answer: ADR 22)",
  disconnect: "goes on with a call whose client has gone",
  resumed: "gives a client that comes back the rest of its stream, at any instance",
  resumedRunning: "goes on with a stream whose call still runs, at any instance",
  resumedFast: "gives what was said last again to a client that has not got it",
  resumedForeign: "never gives a stream to another session",
  resumedGone: "fails a request whose instance has gone, instead of keeping silent",
  kept: "writes no event down for a client that stays, and removes what was replayed once nobody comes back for it any more",
  deleted: "ends a session with DELETE, everywhere and at once",
  ended: "ends a session with the sign-in behind it, and answers the call that does so",
  unknownResource: "refuses a resource that is not there: -32002",
  ping: "answers ping and logging/setLevel with an empty result",
} as const;

const facade = useFacade();

let clock: TestClock;
let memory: MemoryStore;
let here: TestApp;
let there: TestApp;
let wire: SessionWire;
let userKey: string;
/** Lets the calls of `wait` go on. */
let release: () => void;
let runs: string[];
let aborted: string[];

beforeEach(async () => {
  clock = new TestClock();
  memory = new MemoryStore(clock);
  runs = [];
  aborted = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  release = resolve;
  const wait = defineTool({
    name: "wait",
    title: "Wait",
    description: "Says that it has begun, and waits for the test.",
    input: z.object({ key: z.string().default("x"), quiet: z.boolean().default(false) }),
    async run({ key, quiet }, call) {
      runs.push(key);
      call.signal.addEventListener("abort", () => aborted.push(key));
      if (!quiet) await call.log("info", `begun ${key}`);
      await promise;
      return `waited ${key}`;
    },
  });
  const pack: Features = {
    ...product,
    tools: [...product.tools, ...fixtures.tools, wait],
    resources: [...product.resources, ...fixtures.resources],
  };
  here = instance(pack);
  there = instance(pack);
  const token = await tokenOf("alice");
  userKey = decodeJwt(token).sub ?? "";
  wire = new SessionWire(here, token);
  await wire.initialize();
});
afterEach(async () => {
  vi.useRealTimers();
  release();
  await Promise.all([here.app.close(), there.app.close()]);
});

function instance(features: Features): TestApp {
  return createTestApp({ entraUrl: facade.entra.url, store: memory, clock, features });
}

async function tokenOf(account: Account): Promise<string> {
  const client = await new OAuthTestClient(here.baseUrl, here.fetch).register();
  const resource = `${here.baseUrl}/mcp`;
  const scope = "mcp user.read calendar.read";
  return (await client.tokens(account, { resource, scope })).access_token;
}

/** What is written down of a stream. */
const keptOf = (eventId: string) =>
  Array.fromAsync(memory.list("events", `${wire.session}~${eventId.split("~")[1] ?? ""}`));

const connectionRows = () => Array.fromAsync(memory.list("connections", userKey));

/** Calls `wait` and reads up to where it says that it has begun. */
async function begin(key: string, app = here, signal?: AbortSignal) {
  const body = wire.request("tools/call", { name: "wait", arguments: { key } });
  const response = await wire.post(body, { app, ...(signal !== undefined && { signal }) });
  const stream = new EventStream(response);
  let lastEventId = "";
  for (;;) {
    const event = await stream.next();
    lastEventId = event?.id ?? lastEventId;
    if (event === undefined || event.data.includes(`begun ${key}`)) break;
  }
  return { id: body.id, stream, lastEventId };
}

/** What a tool answered, as text. */
function textOf({ messages }: Answered): string {
  const result = z
    .object({ result: z.object({ content: z.array(z.object({ text: z.string() })) }) })
    .parse(messages.at(-1));
  return result.result.content.map(({ text }) => text).join("");
}

const answerSampling = (by: SessionWire, id: unknown, app: TestApp) => {
  const content = { type: "text", text: "evil" };
  const result = { role: "assistant", content, model: "m" };
  return by.post({ jsonrpc: "2.0", id, result }, { app });
};

holdsEvery("Streamable HTTP with sessions (MCP 2025-03-26 to 2025-11-25)", RULES, {
  async initialize() {
    const { response, messages } = await wire.initialize();
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(messages).toMatchObject([
      {
        result: {
          protocolVersion: "2025-11-25",
          serverInfo: { name: "entra-mcp-functions" },
          capabilities: { tools: { listChanged: true }, logging: {} },
        },
      },
    ]);
    expect(wire.session).toMatch(/^[\w-]{22}$/);
    const first = wire.session;
    await wire.initialize();
    expect(wire.session).not.toBe(first);
  },

  async versions() {
    for (const version of ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]) {
      const { messages } = await wire.initialize(version);
      expect(messages).toMatchObject([{ result: { protocolVersion: version } }]);
    }
    const { messages } = await wire.initialize("1999-01-01");
    expect(messages).toMatchObject([{ result: { protocolVersion: "2025-11-25" } }]);
  },

  async accept() {
    const body = wire.request("tools/list");
    for (const accept of ["application/json", "text/event-stream", "text/html", undefined]) {
      expect((await wire.post(body, { headers: { accept } })).status).toBe(406);
    }
    expect((await wire.post(body, { headers: { accept: "*/*" } })).status).toBe(200);
    expect((await wire.get({ headers: { accept: "application/json" } })).status).toBe(406);
  },

  async mediaType() {
    const headers = { "content-type": "text/plain" };
    expect((await wire.post("{}", { headers })).status).toBe(415);
    for (const body of ["7", "{}", "[]", `{"jsonrpc":"1.0","method":"ping","id":1}`]) {
      expect([body, (await wire.post(body)).status]).toEqual([body, 400]);
    }
    const long = { ...wire.request("ping"), id: "x".repeat(257) };
    expect((await wire.post(long)).status).toBe(400);
    expect((await wire.post("x".repeat(4 * 1024 * 1024 + 1))).status).toBe(413);
  },

  async noSession() {
    const headers = { "mcp-session-id": undefined };
    expect((await wire.post(wire.request("tools/list"), { headers })).status).toBe(400);
    expect((await wire.post({ jsonrpc: "2.0", method: "x" }, { headers })).status).toBe(400);
    expect((await wire.get({ headers })).status).toBe(400);
    const unnamed = new SessionWire(here, await tokenOf("alice"));
    expect((await unnamed.delete()).status).toBe(400);
  },

  async unknownSession() {
    for (const id of ["x", "A".repeat(22), "../../connections", "a".repeat(5_000)]) {
      const headers = { "mcp-session-id": id };
      expect((await wire.post(wire.request("tools/list"), { headers })).status).toBe(404);
      expect((await wire.get({ headers })).status).toBe(404);
    }
    clock.advance({ seconds: 25 * 3_600 });
    const later = new SessionWire(there, await tokenOf("alice"));
    const headers = { "mcp-session-id": wire.session };
    expect((await later.post(later.request("ping"), { app: there, headers })).status).toBe(404);
  },

  async foreignSession() {
    for (const account of ["bob", "alice"] as const) {
      const other = wire.as(await tokenOf(account));
      for (const app of [here, there]) {
        expect((await other.post(other.request("tools/list"), { app })).status).toBe(404);
        expect((await other.get({ app })).status).toBe(404);
        expect((await other.delete(app)).status).toBe(404);
      }
    }
    expect((await wire.ask("ping")).response.status).toBe(200);
  },

  async version() {
    const asked = async (version: string | undefined) => {
      const headers = { "mcp-protocol-version": version };
      return (await wire.post(wire.request("ping"), { headers })).status;
    };
    expect(await asked(undefined)).toBe(200);
    expect(await asked("2025-06-18")).toBe(200);
    expect(await asked("1999-01-01")).toBe(400);
    expect(await asked("x")).toBe(400);
    const headers = { "mcp-protocol-version": "2026-07-28" };
    expect((await wire.get({ headers })).status).toBe(405);
  },

  async batches() {
    const batch = () => [
      wire.request("ping"),
      { jsonrpc: "2.0", method: "notifications/initialized" },
      wire.request("tools/call", { name: "test_simple_text", arguments: {} }),
    ];
    expect((await wire.post(batch())).status).toBe(400);
    await wire.initialize("2025-03-26");
    const { response, messages } = await readAnswer(await wire.post(batch()));
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(messages).toMatchObject([{ result: {} }, { result: { content: [{}] } }]);
    const one = await readAnswer(await wire.post([wire.request("ping")]));
    expect(one.messages).toHaveLength(1);
    expect((await wire.post([{ jsonrpc: "2.0", method: "x" }])).status).toBe(202);
    expect((await wire.post([])).status).toBe(400);
    expect(
      (await wire.post(Array.from({ length: 101 }, () => ({ jsonrpc: "2.0", method: "x" }))))
        .status,
    ).toBe(400);
    const streaming = await readAnswer(
      await wire.post([
        wire.request("ping"),
        wire.request("tools/call", { name: "test_tool_with_logging", arguments: {} }),
      ]),
    );
    expect(streaming.messages).toHaveLength(5);
  },

  async accepted() {
    const response = await wire.notify("notifications/roots/list_changed");
    expect([response.status, await response.text()]).toEqual([202, ""]);
    const answer = await wire.post({ jsonrpc: "2.0", id: 7, result: {} });
    expect([answer.status, await answer.text()]).toEqual([202, ""]);
  },

  async json() {
    const { response, messages } = await wire.call("test_simple_text");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(messages).toMatchObject([{ jsonrpc: "2.0", result: { content: [{ type: "text" }] } }]);
    expect(messages[0]?.["result"]).not.toHaveProperty("resultType");
  },

  async stream() {
    const params = { name: "test_tool_with_progress", arguments: {}, _meta: { progressToken: 9 } };
    const { response, messages } = await wire.ask("tools/call", params);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    expect(messages.slice(0, -1).map(({ params: told }) => told)).toEqual(
      [0, 50, 100].map((progress) => ({ progressToken: 9, progress, total: 100 })),
    );
    expect(messages.at(-1)).toHaveProperty("result");
  },

  async late() {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const body = wire.request("tools/call", { name: "wait", arguments: { quiet: true } });
    const answer = wire.post(body);
    await vi.waitUntil(() => {
      vi.advanceTimersByTime(1);
      return runs.length > 0;
    });
    vi.advanceTimersByTime(1_000);
    vi.useRealTimers();
    const response = await answer;
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    release();
    expect(textOf(await readAnswer(response))).toBe("waited x");
  },

  async primed() {
    const first = async () => {
      const body = wire.request("tools/call", { name: "test_tool_with_logging", arguments: {} });
      return new EventStream(await wire.post(body)).next();
    };
    expect(await first()).toMatchObject({ data: "", id: expect.any(String) as string });
    await wire.initialize("2025-06-18");
    expect(await first()).toMatchObject({ data: expect.stringContaining("started") as string });
  },

  async ids() {
    const all = [];
    for (let n = 0; n < 2; n++) all.push(...(await wire.call("test_tool_with_logging")).ids);
    expect(all).toHaveLength(10);
    expect(new Set(all)).toHaveLength(10);
  },

  async sameId() {
    const { id, stream } = await begin("a");
    expect((await wire.post({ ...wire.request("ping"), id })).status).toBe(400);
    const twice = [wire.request("ping"), wire.request("ping")].map((it) => ({ ...it, id: 99 }));
    await wire.initialize("2025-03-26");
    expect((await wire.post(twice)).status).toBe(400);
    await stream.close();
  },

  async anyInstance() {
    expect(textOf(await wire.call("test_simple_text", {}, there))).toContain("simple text");
    const heard = async (app: TestApp) =>
      (await wire.call("test_tool_with_logging", {}, app)).messages.length - 1;
    expect([await heard(here), await heard(there)]).toEqual([3, 3]);
    await wire.ask("logging/setLevel", { level: "error" }, here);
    await expect.poll(() => heard(there)).toBe(0);
    await wire.ask("logging/setLevel", { level: "debug" }, there);
    await expect.poll(() => heard(here)).toBe(3);
  },

  async getStream() {
    const stream = new EventStream(await wire.get());
    expect(await stream.next()).toMatchObject({ data: "" });
    const bob = new SessionWire(there, await tokenOf("bob"));
    await bob.initialize();
    await bob.call("test_trigger_tool_change");
    await wire.ask("resources/subscribe", { uri: "settings://me" }, there);
    await wire.call("updateSettings", { timeZone: "Asia/Tokyo" }, there);
    expect(await nextMessage(stream)).toMatchObject({
      method: "notifications/resources/updated",
      params: { uri: "settings://me" },
    });
    await wire.call("test_trigger_prompt_change", {}, here);
    expect(await nextMessage(stream)).toMatchObject({
      method: "notifications/prompts/list_changed",
    });
    await stream.close();
  },

  async oneStream() {
    const first = new EventStream(await wire.get({ app: here }));
    const second = new EventStream(await wire.get({ app: here }));
    expect(await nextMessage(first)).toBeUndefined();
    const third = new EventStream(await wire.get({ app: there }));
    await expect(readToEnd(second)).resolves.toBeUndefined();
    await wire.call("test_trigger_tool_change", {}, here);
    await expect
      .poll(() => nextMessage(third))
      .toMatchObject({
        method: "notifications/tools/list_changed",
      });
    await third.close();
  },

  async missed() {
    await wire.ask("resources/subscribe", { uri: "settings://me" });
    const gone = new AbortController();
    const first = new EventStream(await wire.get({ signal: gone.signal }));
    await first.next();
    gone.abort();
    expect(await nextMessage(first)).toBeUndefined();
    const again = new EventStream(await wire.get({ app: there, lastEventId: "get~0" }));
    const told = [];
    for (let n = 0; n < 4; n++) told.push((await nextMessage(again))?.["method"]);
    expect(told).toEqual([
      "notifications/tools/list_changed",
      "notifications/resources/list_changed",
      "notifications/prompts/list_changed",
      "notifications/resources/updated",
    ]);
    await again.close();
  },

  async asks() {
    const body = wire.request("tools/call", {
      name: "test_elicitation",
      arguments: { message: "Who?" },
    });
    const stream = new EventStream(await wire.post(body, { app: here }));
    const question = await nextMessage(stream);
    expect(question).toMatchObject({
      method: "elicitation/create",
      params: { message: "Who?", requestedSchema: { required: ["username", "email"] } },
    });
    const content = { username: "ann", email: "ann@example.com" };
    const answer = { jsonrpc: "2.0", id: question?.["id"], result: { action: "accept", content } };
    expect((await wire.post(answer, { app: there })).status).toBe(202);
    expect(await nextMessage(stream)).toMatchObject({
      id: body.id,
      result: { content: [{ text: expect.stringContaining("ann@example.com") as string }] },
    });
    expect(await nextMessage(stream)).toBeUndefined();
  },

  async cannotAsk() {
    await wire.initialize("2025-11-25", {});
    const { messages } = await wire.call("test_elicitation", { message: "Who?" });
    expect(messages).toMatchObject([{ result: { isError: true } }]);
    expect(JSON.stringify(messages)).toContain("capability");
  },

  async forgedAnswer() {
    const body = wire.request("tools/call", { name: "test_sampling", arguments: { prompt: "?" } });
    const stream = new EventStream(await wire.post(body));
    const question = await nextMessage(stream);
    const bob = new SessionWire(there, await tokenOf("bob"));
    await bob.initialize();
    for (const app of [here, there]) {
      expect((await answerSampling(bob, question?.["id"], app)).status).toBe(202);
      expect(
        (await answerSampling(wire.as(await tokenOf("alice")), question?.["id"], app)).status,
      ).toBe(404);
    }
    for (const id of ["local-aaaaaaaa~0", "~0", "x", 0, "local-aaaaaaaa~x"]) {
      expect((await answerSampling(wire, id, there)).status).toBe(202);
    }
    const content = { type: "text", text: "good" };
    const result = { role: "assistant", content, model: "m" };
    await wire.post({ jsonrpc: "2.0", id: question?.["id"], result });
    expect(await nextMessage(stream)).toMatchObject({
      result: { content: [{ text: "LLM response: good" }] },
    });
  },

  async cancelled() {
    for (const app of [here, there]) {
      const key = app === here ? "near" : "far";
      const silent = wire.request("tools/call", { name: "wait", arguments: { key, quiet: true } });
      const answer = wire.post(silent);
      await expect.poll(() => runs).toContain(key);
      await wire.notify("notifications/cancelled", { requestId: silent.id }, app);
      await expect.poll(() => aborted).toContain(key);
      const { status, body } = await answer;
      expect([status, body]).toEqual([202, null]);
    }
    await wire.notify("notifications/cancelled", { requestId: "never-was" });
  },

  async cancelledStream() {
    for (const app of [here, there]) {
      const key = app === here ? "near" : "far";
      const { id, stream } = await begin(key, here);
      await wire.notify("notifications/cancelled", { requestId: id }, app);
      await expect.poll(() => aborted).toContain(key);
      expect(await nextMessage(stream)).toMatchObject({ id, error: { code: -32_000 } });
      expect(await nextMessage(stream)).toBeUndefined();
    }
  },

  async disconnect() {
    const gone = new AbortController();
    const { stream } = await begin("a", here, gone.signal);
    gone.abort();
    expect(await nextMessage(stream)).toBeUndefined();
    expect(aborted).toEqual([]);
  },

  async resumed() {
    const gone = new AbortController();
    const { id, lastEventId } = await begin("a", here, gone.signal);
    gone.abort();
    release();
    await expect.poll(async () => (await keptOf(lastEventId)).length).toBeGreaterThan(0);
    const { messages, ids } = await readAnswer(await wire.get({ app: there, lastEventId }));
    expect(messages).toMatchObject([{ id, result: { content: [{ text: "waited a" }] } }]);
    expect(ids).toHaveLength(1);
    expect(ids).not.toContain(lastEventId);
  },

  async resumedRunning() {
    const { id, stream, lastEventId } = await begin("a", here);
    // The connection is broken, and the instance has not noticed.
    const rest = await wire.get({ app: there, lastEventId: lastEventId.replace(/~1~/, "~0~") });
    const resumed = new EventStream(rest);
    expect(await nextMessage(resumed)).toMatchObject({ params: { data: "begun a" } });
    expect(await nextMessage(stream)).toBeUndefined();
    release();
    expect(await nextMessage(resumed)).toMatchObject({ id, result: {} });
    expect(await nextMessage(resumed)).toBeUndefined();
    expect(runs).toEqual(["a"]);
  },

  async resumedFast() {
    const { messages, ids } = await wire.call("test_tool_with_logging");
    for (const app of [here, there]) {
      const again = await readAnswer(await wire.get({ app, lastEventId: ids[3] ?? "" }));
      expect(again.messages).toEqual(messages.slice(3));
    }
  },

  async resumedForeign() {
    const gone = new AbortController();
    const { lastEventId } = await begin("secret", here, gone.signal);
    gone.abort();
    release();
    await expect.poll(async () => (await keptOf(lastEventId)).length).toBeGreaterThan(0);
    const position = lastEventId.replace(/~1~/, "~0~");
    for (const account of ["bob", "alice"] as const) {
      const token = await tokenOf(account);
      expect((await wire.as(token).get({ lastEventId: position })).status).toBe(404);
      const other = new SessionWire(there, token);
      await other.initialize();
      const { messages } = await readAnswer(await other.get({ lastEventId: position }));
      expect(JSON.stringify(messages)).not.toContain("secret");
      expect(messages).toMatchObject([{ error: { code: -32_000 } }]);
    }
  },

  async resumedGone() {
    const { id, lastEventId } = await begin("a", here);
    // Killed: it writes nothing any more, and its lease lapses.
    const [lease] = await Array.fromAsync(memory.list("instances", "live"));
    for (const row of await Array.fromAsync(memory.list("instances", "live"))) {
      if (lastEventId.startsWith(row.key.row)) await memory.delete("instances", row.key);
    }
    expect(lease).toBeDefined();
    clock.advance({ seconds: 2 });
    const { messages } = await readAnswer(await wire.get({ app: there, lastEventId }));
    expect(messages).toMatchObject([
      { id, error: { message: expect.stringContaining("gone") as string } },
    ]);
  },

  async kept() {
    const { ids: delivered } = await wire.call("test_tool_with_logging");
    expect(await keptOf(delivered[0] ?? "")).toEqual([]);
    const gone = new AbortController();
    const { lastEventId } = await begin("a", here, gone.signal);
    gone.abort();
    release();
    await readAnswer(await wire.get({ app: there, lastEventId }));
    // It may not have arrived. Last of all it was said that there is no more.
    await expect.poll(async () => (await keptOf(lastEventId)).length).toBe(3);
    clock.advance({ seconds: 3 * 3_600 });
    await here.app.maintain(here.recording);
    expect(await keptOf(lastEventId)).toEqual([]);
  },

  async deleted() {
    await wire.call("test_simple_text", {}, there);
    const stream = new EventStream(await wire.get({ app: there }));
    const { stream: running, id } = await begin("a", there);
    expect((await wire.delete(here)).status).toBe(204);
    for (const app of [here, there]) {
      expect((await wire.post(wire.request("ping"), { app })).status).toBe(404);
      expect((await wire.get({ app })).status).toBe(404);
      expect((await wire.delete(app)).status).toBe(404);
    }
    await expect(readToEnd(stream)).resolves.toBeUndefined();
    expect(await nextMessage(running)).toMatchObject({ id, error: {} });
    expect(await connectionRows()).toEqual([]);
  },

  async ended() {
    const stream = new EventStream(await wire.get({ app: there }));
    const { messages } = await wire.call("listSessions");
    const { sessions } = z
      .object({
        result: z.object({
          structuredContent: z.object({ sessions: z.array(z.object({ sessionId: z.string() })) }),
        }),
      })
      .parse(messages.at(-1)).result.structuredContent;
    const own = await wire.call("revokeSession", { sessionId: sessions[0]?.sessionId });
    expect(own.messages).toMatchObject([{ result: { structuredContent: {} } }]);
    await expect(readToEnd(stream)).resolves.toBeUndefined();
    expect((await wire.post(wire.request("ping"))).status).toBe(401);
    await expect.poll(connectionRows).toEqual([]);
  },

  async unknownResource() {
    const uri = "test://nowhere";
    for (const method of ["resources/read", "resources/subscribe"]) {
      const { messages } = await wire.ask(method, { uri });
      expect(messages).toMatchObject([{ error: { code: -32_002, data: { uri } } }]);
    }
  },

  async ping() {
    expect((await wire.ask("ping")).messages).toMatchObject([{ result: {} }]);
    expect((await wire.ask("logging/setLevel", { level: "info" })).messages).toMatchObject([
      { result: {} },
    ]);
  },
});

async function readToEnd(stream: EventStream): Promise<undefined> {
  while ((await stream.next()) !== undefined);
  return undefined;
}
