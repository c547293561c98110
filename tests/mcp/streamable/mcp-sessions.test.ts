import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { features as product } from "../../../shared/features/all.ts";
import { defineTool, type Features } from "../../../shared/features/feature.ts";
import { formatEventId, parseEventId } from "../../../shared/mcp/streamable/event-id.ts";
import { MemoryStore } from "../../../shared/storage/memory-store.ts";
import { StorageUnavailable } from "../../../shared/storage/store.ts";
import { EventStream } from "../../support/event-stream.ts";
import { useFacade } from "../../support/facade.ts";
import { holdAnswers } from "../../support/held-answers.ts";
import { OAuthTestClient } from "../../support/oauth-client.ts";
import { OutageStore } from "../../support/outage-store.ts";
import { nextMessage, readAnswer, SessionWire } from "../../support/session-wire.ts";
import { createTestApp, type TestApp } from "../../support/test-app.ts";
import { TestClock } from "../../support/test-clock.ts";

const facade = useFacade();

let clock: TestClock;
let memory: MemoryStore;
let here: TestApp & { store: OutageStore };
let there: TestApp & { store: OutageStore };
let client: OAuthTestClient;
let token: string;
let wire: SessionWire;
let running: Set<string>;
let release: () => void;

beforeEach(async () => {
  clock = new TestClock();
  memory = new MemoryStore(clock);
  running = new Set();
  const { promise, resolve } = Promise.withResolvers<void>();
  release = resolve;
  const wait = defineTool({
    name: "wait",
    title: "Wait",
    description: "Waits for the test.",
    input: z.object({ key: z.string() }),
    async run({ key }, call) {
      running.add(key);
      call.signal.addEventListener("abort", () => running.delete(key));
      await call.log("info", "begun");
      await promise;
      return `waited ${key}`;
    },
  });
  const pack: Features = { ...product, tools: [...product.tools, wait] };
  here = instance(pack);
  there = instance(pack);
  client = await new OAuthTestClient(here.baseUrl, here.fetch).register();
  token = await signIn();
  wire = new SessionWire(here, token);
  await wire.initialize();
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  release();
  for (const { store } of [here, there]) store.down = false;
  await Promise.all([here.app.close(), there.app.close()]);
});

function instance(features: Features): TestApp & { store: OutageStore } {
  const store = new OutageStore(memory);
  return { ...createTestApp({ entraUrl: facade.entra.url, store, clock, features }), store };
}

async function signIn(by = client): Promise<string> {
  const resource = `${here.baseUrl}/mcp`;
  return (await by.tokens("alice", { resource, scope: "mcp user.read" })).access_token;
}

const row = async () =>
  memory.get("connections", { partition: decodeJwt(token).sub ?? "", row: wire.session });

const rows = () =>
  Array.fromAsync(memory.list("connections", decodeJwt(token).sub ?? ""), ({ key }) => key.row);

/** Begins a call, and reads up to where it says so. */
async function begin(key: string, app: TestApp = here) {
  const body = wire.request("tools/call", { name: "wait", arguments: { key } });
  const stream = new EventStream(await wire.post(body, { app }));
  expect(await nextMessage(stream)).toMatchObject({ method: "notifications/message" });
  return { id: body.id, stream };
}

const calls = async (app: TestApp) =>
  (await wire.call("getSettings", {}, app)).messages.map(({ result }) => result !== undefined);

const touched = () =>
  (here.store.operationsOn.get("connections") ?? 0) +
  (here.store.operationsOn.get("sessions") ?? 0) +
  (here.store.operationsOn.get("events") ?? 0);

const reads = () => here.store.operationsOn.get("connections") ?? 0;

describe("a session in memory", () => {
  it("costs storage nothing but what a tool reads", async () => {
    await wire.ask("tools/list");
    const before = touched();
    for (let n = 0; n < 5; n++) await wire.ask("tools/list");
    expect(touched()).toBe(before);
  });

  it("goes on while storage is away; one that would have to be made again is 503, not 404", async () => {
    here.store.down = true;
    there.store.down = true;
    expect((await wire.ask("ping")).response.status).toBe(200);
    expect((await wire.post(wire.request("ping"), { app: there })).status).toBe(503);
    there.store.down = false;
    expect((await wire.ask("ping", {}, there)).response.status).toBe(200);
  });

  it("is forgotten after ten minutes' rest, and made again from its row", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await wire.ask("ping");
    const before = reads();
    vi.advanceTimersByTime(599_000);
    await wire.ask("ping");
    expect(reads()).toBe(before);
    vi.advanceTimersByTime(601_000);
    vi.useRealTimers();
    expect((await wire.ask("ping")).messages).toMatchObject([{ result: {} }]);
    expect(reads()).toBe(before + 1);
  });

  it("is not forgotten while it has a call to answer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { stream } = await begin("long");
    vi.advanceTimersByTime(3_600_000);
    vi.useRealTimers();
    expect(running).toContain("long");
    release();
    expect(await nextMessage(stream)).toHaveProperty("result");
  });

  it("is made once, however many requests come at the same time", async () => {
    const before = there.store.operationsOn.get("connections") ?? 0;
    const pings = Array.from({ length: 5 }, () => wire.request("ping"));
    const all = await Promise.all(pings.map((ping) => wire.post(ping, { app: there })));
    expect(all.map(({ status }) => status)).toEqual(Array(5).fill(200));
    expect(there.store.operationsOn.get("connections")).toBe(before + 1);
  });
});

const expiresAt = async () => Number((await row())?.value["expiresAt"]);

describe("a request to initialize", () => {
  it.each([
    ["parameters", { jsonrpc: "2.0", id: 1, method: "initialize" }],
    ["an id", { jsonrpc: "2.0", method: "initialize", params: {} }],
  ])("begins no session without %s: 400", async (_, body) => {
    const before = await rows();
    expect((await wire.post(body)).status).toBe(400);
    expect(await rows()).toEqual(before);
  });
});

describe("the row of a session", () => {
  it("lives a day longer when it is used an hour later, and not with each request", async () => {
    const first = await expiresAt();
    clock.advance({ seconds: 1_800 });
    await wire.ask("ping");
    expect(await expiresAt()).toBe(first);
    clock.advance({ seconds: 1_801 });
    await wire.as(await signIn()).ask("ping");
    await expect.poll(expiresAt).toBe(clock.now() + 24 * 3_600_000);
  });

  it("holds what a client says of itself, up to a bound", async () => {
    const capabilities = { experimental: { x: { y: "z".repeat(40_000) } } };
    const { response } = await wire.initialize("2025-11-25", capabilities);
    expect(response.status).toBe(413);
  });
});

describe("a stream that its instance does not know any more", () => {
  it("fails, at whichever instance its client comes back", async () => {
    const body = wire.request("tools/call", { name: "wait", arguments: { key: "x" } });
    const first = await new EventStream(await wire.post(body)).next();
    const position = parseEventId(first?.id ?? "");
    if (position === undefined) throw new Error("no event with an id");
    const lastEventId = formatEventId({ ...position, stream: "f".repeat(22) });
    for (const app of [here, there]) {
      const { messages } = await readAnswer(await wire.get({ app, lastEventId }));
      expect(messages).toMatchObject([{ id: body.id, error: { code: -32_000 } }]);
    }
  });
});

describe("an instance that goes", () => {
  it("waits for answers that come soon", async () => {
    const { id, stream } = await begin("soon");
    const closed = here.app.close();
    release();
    expect(await nextMessage(stream)).toMatchObject({ id, result: {} });
    await closed;
  });

  it("fails the others in so many words, and leaves the session to the rest", async () => {
    const standing = new EventStream(await wire.get());
    const { id, stream } = await begin("never");
    await here.app.close();
    expect(await nextMessage(stream)).toMatchObject({
      id,
      error: { message: expect.stringContaining("gone") as string },
    });
    expect(await nextMessage(standing)).toBeUndefined();
    expect(await calls(there)).toEqual([true]);
    expect((await row())?.value["instance"]).toBe("");
  });

  it("writes the failure down for a client that has gone before", async () => {
    const gone = new AbortController();
    const body = wire.request("tools/call", { name: "wait", arguments: { key: "x" } });
    const stream = new EventStream(await wire.post(body, { signal: gone.signal }));
    const first = await stream.next();
    gone.abort();
    await expect.poll(() => stream.next()).toBeUndefined();
    await here.app.close();
    const rest = await readAnswer(await wire.get({ app: there, lastEventId: first?.id ?? "" }));
    expect(rest.messages.at(-1)).toMatchObject({ id: body.id, error: {} });
  });

  it("has lost its lease: it fails what it was doing, and serves the session anew", async () => {
    const { id, stream } = await begin("x");
    await loseLeases();
    expect(await nextMessage(stream)).toMatchObject({ id, error: {} });
    await expect.poll(() => running.has("x")).toBe(false);
    expect(await calls(here)).toEqual([true]);
  });

  it("has lost its lease: it has a new one at once, however long it takes to write down what had been lost", async () => {
    const { stream } = await begin("x");
    const writes = holdAnswers(here.store, "put", "events");
    // Nor is that waited for in a bounded time.
    const sleep = clock.sleep.bind(clock);
    vi.spyOn(clock, "sleep").mockImplementation((ms) =>
      ms === 500 ? new Promise(() => undefined) : sleep(ms),
    );
    await stream.close();
    await expect.poll(() => writes.count).toBe(1);
    await loseLeases();
    // For which it needs one.
    const standing = await wire.get();
    expect(standing.status).toBe(200);
    writes.release();
    await standing.body?.cancel();
  });
});

const revoke = async (accessToken: string) => {
  const form = { token: accessToken, client_id: client.id };
  expect((await client.postForm("/revoke", form)).status).toBe(200);
};

describe("a client that signs in again", () => {
  it("keeps its session, at every instance", async () => {
    await wire.ask("ping", {}, there);
    const again = wire.as(await signIn());
    for (const app of [here, there, here]) {
      expect((await again.ask("ping", {}, app)).messages).toMatchObject([{ result: {} }]);
    }
  });

  it("has it end with the new sign-in, and not with the one before", async () => {
    const second = await signIn();
    const again = wire.as(second);
    await again.ask("ping");
    await again.ask("ping", {}, there);
    await revoke(token);
    const stream = new EventStream(await again.get({ app: there }));
    expect((await again.ask("ping")).messages).toMatchObject([{ result: {} }]);
    await revoke(second);
    await expect.poll(() => stream.next(), { timeout: 5_000 }).toBeUndefined();
    await expect.poll(row, { timeout: 5_000 }).toBeUndefined();
  });

  it("does not give it to another client of the same person", async () => {
    const other = await new OAuthTestClient(here.baseUrl, here.fetch).register();
    const foreign = wire.as(await signIn(other));
    for (const app of [here, there]) {
      expect((await foreign.post(foreign.request("ping"), { app })).status).toBe(404);
    }
    expect((await wire.ask("ping")).response.status).toBe(200);
  });
});

/** Takes its lease away from every instance, as those do who find it lapsed. */
async function loseLeases(): Promise<void> {
  for (const { key } of await Array.fromAsync(memory.list("instances", "live"))) {
    await memory.delete("instances", key);
  }
  clock.advance({ seconds: 11 });
}

/** Waits for some time, as far as there is something to wait for. */
const aWhile = () => clock.sleep(1_000);

describe("a session that ends here while a request waits for storage", () => {
  it("is made again for it, and for those after it", async () => {
    const again = wire.as(await signIn());
    await again.initialize();
    const other = again.as(await signIn());
    const held = holdAnswers(here.store, "get", "connections");
    const answered = other.ask("ping");
    await expect.poll(() => held.count).toBe(1);
    await loseLeases();
    await expect
      .poll(async () => (await Array.fromAsync(memory.list("instances", "live"))).length)
      .toBe(0);
    await aWhile();
    held.release();
    for (const { messages } of [await answered, await other.ask("ping")]) {
      expect(messages).toMatchObject([{ result: {} }]);
    }
  });

  it("is made again for a stream, where the lease turns out to be lost", async () => {
    await loseLeases();
    const stream = new EventStream(await wire.get());
    await wire.call("updateSettings", { timeZone: "Europe/Paris" });
    await wire.ask("resources/subscribe", { uri: "settings://me" });
    await wire.call("updateSettings", { timeZone: "Europe/Rome" });
    expect(await nextMessage(stream)).toMatchObject({ params: { uri: "settings://me" } });
  });

  it("is not served by an instance that was just making it when its client ended it", async () => {
    await wire.ask("ping", {}, there);
    // The instance has a lease, and not this session.
    const second = new SessionWire(there, token);
    await second.initialize();
    const fresh = new SessionWire(here, token);
    await fresh.initialize();
    const held = holdAnswers(there.store, "get", "connections");
    const asked = fresh.post(fresh.request("ping"), { app: there });
    await expect.poll(() => held.count).toBe(1);
    expect((await fresh.delete(here)).status).toBe(204);
    held.release();
    expect((await asked).status).toBe(404);
    expect((await fresh.post(fresh.request("ping"), { app: there })).status).toBe(404);
  });
});

describe("the stream of a session", () => {
  it("is known to be here, although the end of the one before it is noted late", async () => {
    const first = new EventStream(await wire.get());
    const held = holdAnswers(here.store, "get", "connections", 1);
    await first.close();
    await expect.poll(() => held.count).toBe(1);
    const opening = wire.get();
    await Promise.race([opening, aWhile()]);
    held.release();
    const stream = new EventStream(await opening);
    await aWhile();
    expect((await row())?.value["instance"]).not.toBe("");
    await stream.close();
    await expect.poll(async () => (await row())?.value["instance"]).toBe("");
  });

  it("is not noted as held for a client that has gone before it was", async () => {
    const gone = new AbortController();
    const held = holdAnswers(here.store, "replace", "connections");
    const opening = wire.get({ signal: gone.signal });
    await expect.poll(() => held.count).toBe(1);
    gone.abort();
    held.release();
    await opening;
    await expect.poll(async () => (await row())?.value["instance"]).toBe("");
  });

  it("brings what its client has subscribed to last, whichever answer of storage comes first", async () => {
    const stream = new EventStream(await wire.get());
    const replace = here.store.replace.bind(here.store);
    const { promise: late, resolve: goOn } = Promise.withResolvers<void>();
    vi.spyOn(here.store, "replace").mockImplementationOnce(async (...written) => {
      const etag = await replace(...written);
      await late;
      return etag;
    });
    const first = wire.ask("resources/subscribe", { uri: "user://me" });
    await aWhile();
    const second = wire.ask("resources/subscribe", { uri: "settings://me" });
    await Promise.race([second, aWhile()]);
    goOn();
    await Promise.all([first, second]);
    await wire.call("updateSettings", { timeZone: "Europe/Rome" });
    expect(await nextMessage(stream)).toMatchObject({ params: { uri: "settings://me" } });
  });
});

describe("a stream that its client comes back for twice", () => {
  it("is there to its end, although the first who comes back seems to have got it all", async () => {
    const gone = new AbortController();
    const body = wire.request("tools/call", { name: "wait", arguments: { key: "x" } });
    const broken = new EventStream(await wire.post(body, { signal: gone.signal }));
    const lastEventId = (await broken.next())?.id ?? "";
    gone.abort();
    // Broken, too, and nobody has noticed.
    const first = new EventStream(await wire.get({ app: there, lastEventId }));
    const list = here.store.list.bind(here.store);
    const { promise: late, resolve: goOn } = Promise.withResolvers<void>();
    let looks = 0;
    vi.spyOn(here.store, "list").mockImplementation(async function* (table, ...some) {
      if (table === "events" && ++looks > 1) await late;
      yield* list(table, ...some);
    });
    const second = wire.get({ lastEventId }).then(readAnswer);
    await expect.poll(() => looks).toBeGreaterThan(1);
    release();
    for (;;) if ("result" in ((await nextMessage(first)) ?? { result: {} })) break;
    await aWhile();
    goOn();
    expect((await second).messages.at(-1)).toMatchObject({ id: body.id, result: {} });
  });
});

describe("the end of the sign-in that a session had before", () => {
  it("does not take it from the one that has it now", async () => {
    await wire.ask("ping", {}, there);
    const list = here.store.list.bind(here.store);
    // This instance has not heard yet that another sign-in has the session.
    vi.spyOn(here.store, "list").mockImplementation((table, ...some) => {
      if (table === "inbox") throw new StorageUnavailable("slow");
      return list(table, ...some);
    });
    const again = wire.as(await signIn());
    await again.ask("ping", {}, there);
    await revoke(token);
    vi.mocked(here.store.list).mockImplementation(list);
    for (const app of [there, here]) {
      expect((await again.ask("ping", {}, app)).messages).toMatchObject([{ result: {} }]);
    }
  });
});
