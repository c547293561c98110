import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { defineTool, type Features } from "../../shared/features/feature.ts";
import { features } from "../../shared/features/all.ts";
import { StreamCheck } from "../../shared/mcp/stream-check.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { StorageUnavailable, type TableName } from "../../shared/storage/store.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream, openStreams } from "../support/open-stream.ts";
import { OutageStore } from "../support/outage-store.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { TestClock } from "../support/test-clock.ts";

const facade = useFacade();

/** Two instances of the server; the storage of each can be taken away. */
let clock: TestClock;
let memory: MemoryStore;
let here: TestApp & { store: OutageStore };
let there: TestApp & { store: OutageStore };
let token: string;
/** How often the tool ran, by its text. */
let runs: Map<string, number>;
/** Lets the calls that wait go on. */
let release: () => void;

beforeEach(async () => {
  clock = new TestClock();
  memory = new MemoryStore(clock);
  runs = new Map();
  const { promise, resolve } = Promise.withResolvers<void>();
  release = resolve;
  const count = defineTool({
    name: "count",
    title: "Count",
    description: "Counts its runs.",
    requires: "mcp",
    input: z.object({ text: z.string(), wait: z.boolean().default(false) }),
    output: z.object({ runs: z.number(), length: z.number() }),
    async run({ text, wait }) {
      const ran = (runs.get(text) ?? 0) + 1;
      runs.set(text, ran);
      if (wait) await promise;
      return { runs: ran, length: text.length };
    },
  });
  const pack: Features = { ...features, tools: [...features.tools, count] };
  here = instance(pack);
  there = instance(pack);
  token = await signIn("alice");
});
afterEach(async () => {
  vi.restoreAllMocks();
  release();
  for (const { store } of [here, there]) store.down = false;
  await Promise.all([here.app.close(), there.app.close()]);
});

function instance(pack: Features) {
  const store = new OutageStore(memory);
  const app = createTestApp({ entraUrl: facade.entra.url, store, clock, features: pack });
  return { ...app, store };
}

async function signIn(account: "alice" | "bob") {
  const client = await new OAuthTestClient(here.baseUrl, here.fetch).register();
  return (await client.tokens(account)).access_token;
}

let ids = 0;
const call = (text: string, wait = false) => ({
  jsonrpc: "2.0" as const,
  id: `call-${++ids}`,
  method: "tools/call",
  params: { name: "count", arguments: { text, wait } },
});

const ping = { jsonrpc: "2.0" as const, id: "ping", method: "ping" };
const subscribe = {
  jsonrpc: "2.0" as const,
  id: "s",
  method: "resources/subscribe",
  params: { uri: "settings://me" },
};
const setLevel = {
  jsonrpc: "2.0" as const,
  id: "l",
  method: "logging/setLevel",
  params: { level: "error" },
};
const initialize = {
  jsonrpc: "2.0" as const,
  id: "i",
  method: "initialize",
  params: {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  },
};

const answerTo = (id: unknown, text: string) => ({
  id,
  result: { structuredContent: { runs: 1, length: text.length } },
});

const rowsOf = async (table: TableName, partition: string) =>
  Array.fromAsync(memory.list(table, partition));

/** The instance that a test lets go. */
let gone: string;

/** Has a message accepted for an instance that does not come to run it any more. */
async function accept(stream: EventStream, text: string): Promise<void> {
  gone = await instanceOf(here);
  here.store.down = true;
  expect((await stream.post(call(text), there)).status).toBe(202);
}

const instanceOf = async (app: TestApp) => {
  const response = await app.fetch(new URL("/health", app.baseUrl));
  return ((await response.json()) as { instance: string }).instance;
};

describe("a message that is posted to another instance than its stream's", () => {
  it("reaches the stream, runs once, and leaves nothing in the inbox", async () => {
    const stream = await EventStream.open(here, token);
    const message = call("hello");
    expect((await stream.post(message, there)).status).toBe(202);
    expect(await stream.next()).toMatchObject(answerTo(message.id, "hello"));
    expect(runs.get("hello")).toBe(1);
    expect(await rowsOf("inbox", await instanceOf(here))).toEqual([]);
  });

  it("may be as large as any: 4 MiB pass", async () => {
    const text = "ä".repeat(2_000_000);
    const stream = await EventStream.open(here, token);
    const message = call(text);
    expect((await stream.post(message, there)).status).toBe(202);
    expect(await stream.next()).toMatchObject(answerTo(message.id, text));
    const parts = `${await instanceOf(here)}~parts`;
    await expect.poll(() => rowsOf("inbox", parts)).toEqual([]);
  });

  it("is one of many, each of which runs once", async () => {
    const stream = await EventStream.open(here, token);
    const messages = Array.from({ length: 250 }, (_, n) => call(`n${n}`));
    const posted = await Promise.all(messages.map((message) => stream.post(message, there)));
    expect(posted.every(({ status }) => status === 202)).toBe(true);
    const answered = new Set<unknown>();
    while (answered.size < messages.length) answered.add((await stream.next())?.["id"]);
    expect([...runs.values()].every((ran) => ran === 1)).toBe(true);
  });

  it("is not found with another person's token, or another session's", async () => {
    const stream = await EventStream.open(here, token);
    for (const foreign of [await signIn("bob"), await signIn("alice")]) {
      expect((await stream.post(call("foreign"), there, foreign)).status).toBe(404);
    }
    expect(runs.size).toBe(0);
  });

  it("is sealed while it waits", async () => {
    const stream = await EventStream.open(here, token);
    here.store.down = true;
    await stream.post(call("a secret text"), there);
    const rows = await rowsOf("inbox", await instanceOf(here));
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain("secret");
  });

  it("is 503 while storage is away, and nothing runs", async () => {
    const stream = await EventStream.open(here, token);
    await stream.post(call("warm"), there);
    await stream.next();
    there.store.down = true;
    expect((await stream.post(call("lost"), there)).status).toBe(503);
    expect(runs.has("lost")).toBe(false);
  });
});

describe("an instance that is gone", () => {
  it("is not found once its lease has lapsed by the clock of storage, and its row is given up", async () => {
    const stream = await EventStream.open(here, token);
    const name = await instanceOf(here);
    here.store.down = true;
    clock.advance({ seconds: 14 });
    expect((await stream.post(call("late"), there)).status).toBe(202);
    clock.advance({ seconds: 2 });
    expect((await stream.post(call("too late"), there)).status).toBe(404);
    expect((await rowsOf("instances", "live")).map(({ key }) => key.row)).not.toContain(name);
  });

  it("runs nothing more when it comes back, ends its streams and goes on under another name", async () => {
    const stream = await EventStream.open(here, token);
    const name = await instanceOf(here);
    here.store.down = true;
    expect((await stream.post(call("accepted"), there)).status).toBe(202);
    clock.advance({ seconds: 16 });
    expect((await stream.post(call("refused"), there)).status).toBe(404);
    here.store.down = false;
    expect(await stream.rest()).toEqual([]);
    expect(runs.size).toBe(0);
    expect(await instanceOf(here)).not.toBe(name);

    const again = await EventStream.open(here, token);
    const message = call("again");
    await again.post(message, there);
    let answer = await again.next();
    // What was accepted comes first: the client that came back gets it.
    if (answer?.["id"] !== message.id) answer = await again.next();
    expect(answer).toMatchObject(answerTo(message.id, "again"));
  });

  it("that only could not reach storage for a while keeps its streams, and runs what it was sent", async () => {
    const stream = await EventStream.open(here, token);
    here.store.down = true;
    const message = call("waits");
    expect((await stream.post(message, there)).status).toBe(202);
    clock.advance({ seconds: 60 });
    here.store.down = false;
    expect(await stream.next()).toMatchObject(answerTo(message.id, "waits"));
  });

  it("and still holds the stream goes on with what is posted to itself", async () => {
    const stream = await EventStream.open(here, token);
    here.store.down = true;
    clock.advance({ seconds: 60 });
    const message = call("mine");
    expect((await stream.post(message)).status).toBe(202);
    expect(await stream.next()).toMatchObject(answerTo(message.id, "mine"));
  });

  it("has its accepted messages run by the instance where the client's next stream is, once", async () => {
    const stream = await EventStream.open(here, token);
    here.store.down = true;
    const message = call("accepted");
    expect((await stream.post(message, there)).status).toBe(202);
    clock.advance({ seconds: 16 });
    const next = await EventStream.open(there, token);
    expect(await next.next()).toMatchObject(answerTo(message.id, "accepted"));
    here.store.down = false;
    await stream.rest();
    expect(runs.get("accepted")).toBe(1);
  });

  it("leaves no rows behind once the sweep has been there", async () => {
    const stream = await EventStream.open(here, token);
    const name = await instanceOf(here);
    here.store.down = true;
    await stream.post(call("x".repeat(1_000_000)), there);
    clock.advance({ seconds: 7 * 3_600 });
    await there.app.maintain(there.recording);
    clock.advance({ seconds: 3_600 });
    await there.app.maintain(there.recording);
    for (const partition of [name, `${name}~parts`]) {
      expect(await rowsOf("inbox", partition)).toEqual([]);
    }
    expect(await rowsOf("connections", decodeJwt(token).sub ?? "")).toEqual([]);
  });
});

describe("an instance that is about to go", () => {
  it("answers what is running, ends its streams with a word on when to come back, and is not found", async () => {
    const stream = await EventStream.open(here, token);
    const message = call("slow", true);
    await stream.post(message);
    const closing = here.app.close();
    expect(await stream.next()).toMatchObject({ id: message.id, error: { code: -32_000 } });
    expect(await stream.rest()).toEqual([]);
    await closing;
    expect((await stream.post(call("late"), there)).status).toBe(404);
  });

  it("lets a call finish that does so soon", async () => {
    const stream = await EventStream.open(here, token);
    const message = call("quick", true);
    await stream.post(message);
    const closing = here.app.close();
    release();
    expect(await stream.next()).toMatchObject(answerTo(message.id, "quick"));
    await closing;
  });
});

describe("a client that comes back", () => {
  it("gets the answer to a call that was running, wherever its next stream is", async () => {
    const stream = await EventStream.open(here, token);
    const message = call("slow", true);
    await stream.post(message);
    await stream.drop();
    const next = await EventStream.open(there, token);
    release();
    expect(await next.next()).toMatchObject(answerTo(message.id, "slow"));
  });

  it("gets an answer that was there before it came back", async () => {
    const stream = await EventStream.open(here, token);
    const message = call("slow", true);
    await stream.post(message);
    await stream.drop();
    release();
    const { sub = "" } = decodeJwt(token);
    const [row] = await rowsOf("connections", sub);
    await expect
      .poll(async () => (await rowsOf("events", row?.key.row ?? "")).length)
      .toBeGreaterThan(0);
    const next = await EventStream.open(there, token);
    expect(await next.next()).toMatchObject(answerTo(message.id, "slow"));
    // Both of the hours in which it may end are over.
    for (const _ of [1, 2]) {
      clock.advance({ seconds: 3_600 });
      await there.app.maintain(there.recording);
    }
    expect(await rowsOf("events", row?.key.row ?? "")).toEqual([]);
  });

  it("is still subscribed, without initialize", async () => {
    const stream = await EventStream.open(here, token);
    await stream.post(subscribe);
    await stream.next();
    await stream.drop();
    const next = await EventStream.open(there, token);
    const other = await EventStream.open(here, await signIn("alice"));
    await other.callTool("updateSettings", { timeZone: "Asia/Tokyo" });
    expect(await next.next()).toMatchObject({
      method: "notifications/resources/updated",
      params: { uri: "settings://me" },
    });
  });

  it("does not get what may be another client's of the same session", async () => {
    const [one, two] = [await EventStream.open(here, token), await EventStream.open(here, token)];
    const message = call("slow", true);
    await one.post(message);
    await one.drop();
    const next = await EventStream.open(there, token);
    release();
    for (const stream of [two, next]) {
      await stream.post(ping);
      expect(await stream.next()).toMatchObject({ id: "ping" });
    }
  });

  it("is told that a call has come to nothing which went on for too long after its stream", async () => {
    const stream = await EventStream.open(here, token);
    const message = call("endless", true);
    await stream.post(message);
    await stream.drop();
    const next = await EventStream.open(there, token);
    expect(await next.next()).toMatchObject({ id: message.id, error: { code: -32_000 } });
  });

  it("gets an answer that came during an outage", async () => {
    const stream = await EventStream.open(here, token);
    const message = call("slow", true);
    await stream.post(message);
    here.store.down = true;
    await stream.drop();
    release();
    const before = here.store.operationsOn.get("expiries") ?? 0;
    await expect.poll(() => here.store.operationsOn.get("expiries") ?? 0).toBeGreaterThan(before);
    here.store.down = false;
    const next = await EventStream.open(there, token);
    expect(await next.next()).toMatchObject(answerTo(message.id, "slow"));
  });

  it("gets nothing of what its predecessor had asked, once it says that it begins", async () => {
    // The first word is waited for, however long this machine takes.
    const sleep = clock.sleep.bind(clock);
    vi.spyOn(clock, "sleep").mockImplementation((ms) =>
      ms === 1_000 ? new Promise(() => undefined) : sleep(ms),
    );
    const stream = await EventStream.open(here, token);
    await stream.post(call("slow", true));
    await stream.drop();
    const next = await EventStream.open(there, token);
    release();
    await expect.poll(() => here.store.operationsOn.get("inbox") ?? 0).toBeGreaterThan(0);
    await sleep(1_000);
    await next.post(initialize);
    expect(await next.next()).toMatchObject({ id: initialize.id });
    await next.post(ping);
    expect(await next.next()).toMatchObject({ id: ping.id });
  });

  it("has none of the subscriptions of its predecessor, once it says that it begins", async () => {
    const stream = await EventStream.open(here, token);
    await stream.post(subscribe);
    await stream.next();
    await stream.drop();
    const next = await EventStream.open(here, token);
    for (const message of [initialize, setLevel]) {
      await next.post(message);
      expect(await next.next()).toMatchObject({ id: message.id });
    }
    const rows = await rowsOf("connections", decodeJwt(token).sub ?? "");
    const newest = rows.find(({ value }) => value["logLevel"] === "error");
    expect(newest?.value["subscriptions"]).toBe("[]");
  });

  it("has one stream only, where the answer to its listing was lost", async () => {
    const put = here.store.put.bind(here.store);
    let lost = 0;
    vi.spyOn(here.store, "put").mockImplementation(async (table, ...row) => {
      const etag = await put(table, ...row);
      if (table === "connections" && lost++ === 0) throw new StorageUnavailable("lost");
      return etag;
    });
    const stream = await EventStream.open(here, token);
    expect(await rowsOf("connections", decodeJwt(token).sub ?? "")).toMatchObject([
      { value: { continued: false } },
    ]);
    await stream.drop();
  });

  it("has what was accepted run although the take-over of it was interrupted by an outage", async () => {
    await EventStream.open(here, token).then((stream) => accept(stream, "accepted"));
    here.store.down = true;
    clock.advance({ seconds: 16 });
    const list = there.store.list.bind(there.store);
    let failed = 0;
    vi.spyOn(there.store, "list").mockImplementation((table, partition, some) => {
      if (table === "inbox" && partition === gone && failed++ === 0) {
        throw new StorageUnavailable("just now");
      }
      return list(table, partition, some);
    });
    const next = await EventStream.open(there, token);
    expect(await next.next()).toMatchObject({ result: { structuredContent: { runs: 1 } } });
    expect(failed).toBeGreaterThan(1);
  });

  it("has run what was still on its way to an instance that has just gone", async () => {
    const stream = await EventStream.open(here, token);
    const message = call("late");
    const insert = there.store.insert.bind(there.store);
    const { promise: gate, resolve: goOn } = Promise.withResolvers<void>();
    const arrived = vi.spyOn(there.store, "insert").mockImplementation(async (table, ...row) => {
      if (table === "inbox") await gate;
      return insert(table, ...row);
    });
    const posted = stream.post(message, there);
    await expect.poll(() => arrived.mock.calls.some(([table]) => table === "inbox")).toBe(true);
    gone = await instanceOf(here);
    await here.app.close();
    clock.advance({ seconds: 2 });
    const listed = vi.spyOn(there.store, "list");
    const next = await EventStream.open(there, token);
    await expect
      .poll(() => listed.mock.calls.some(([, partition]) => partition === gone))
      .toBe(true);
    goOn();
    expect((await posted).status).toBe(202);
    expect(await next.next()).toMatchObject(answerTo(message.id, "late"));
  });
});

describe("the end of a session", () => {
  it("closes its streams on every instance, before any of them asks storage", async () => {
    const streams = [await EventStream.open(here, token), await EventStream.open(there, token)];
    const { sub = "", sid } = decodeJwt(token);
    const revoker = await EventStream.open(here, token);
    await revoker.callTool("revokeSession", { sessionId: `${sub}.${String(sid)}` });
    for (const stream of streams) expect(await stream.rest()).toEqual([]);
    expect(await openStreams(there)).toBe(0);
  });

  it("closes its streams elsewhere within two rounds of their check, where who has ended it is gone at once", async () => {
    const stream = await EventStream.open(here, token);
    await here.app.checkStreams();
    const remove = there.store.delete.bind(there.store);
    vi.spyOn(there.store, "delete").mockImplementation(async (table, ...key) => {
      const existed = await remove(table, ...key);
      // That was the last that it has done.
      if (table === "sessions") there.store.down = true;
      return existed;
    });
    const client = new OAuthTestClient(there.baseUrl, there.fetch);
    const { client_id } = decodeJwt(token);
    const doubted = vi.spyOn(StreamCheck.prototype, "doubt");
    await client.postForm("/revoke", { token, client_id: String(client_id) });
    // There before, and here when it has been heard.
    await expect.poll(() => doubted.mock.calls.length).toBe(2);
    vi.restoreAllMocks();
    expect(await openStreams(here)).toBe(1);
    await here.app.checkStreams();
    await here.app.checkStreams();
    expect(await stream.rest()).toEqual([]);
  });
});

describe("an instance without connections", () => {
  it("costs storage nothing, and has no lease", async () => {
    const stream = await EventStream.open(here, token);
    await stream.drop();
    await expect.poll(() => rowsOf("instances", "live")).toEqual([]);
    await expect.poll(() => rowsOf("connections", decodeJwt(token).sub ?? "")).toEqual([]);
    const before = here.store.operations;
    await clock.sleep(10_000);
    expect(here.store.operations).toBe(before);
  });
});
