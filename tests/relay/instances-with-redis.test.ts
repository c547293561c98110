import { decodeJwt } from "jose";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { z } from "zod";
import { features } from "../../shared/features/all.ts";
import { defineTool, type Features } from "../../shared/features/feature.ts";
import { Redis } from "../../shared/redis/redis.ts";
import { RedisConnection } from "../../shared/redis/redis-connection.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import type { Etag, Key, TableName, Value } from "../../shared/storage/store.ts";
import { useFacade } from "../support/facade.ts";
import { AT_MOST_MS, timed } from "../support/fast-paths.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream, openStreams } from "../support/open-stream.ts";
import { OutageStore } from "../support/outage-store.ts";
import { recordedLog } from "../support/recorded-log.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { describeWithRedis, startTestRedis, type TestRedis } from "../support/test-redis.ts";
import { WaitingClock } from "../support/waiting-clock.ts";

const PATIENCE = { timeout: 15_000 };

/** Storage as one instance sees it, with the messages that this instance writes into inboxes. */
class InstanceStore extends OutageStore {
  readonly inboxes: Value[] = [];

  override insert(table: TableName, key: Key, value: Value): Promise<Etag> {
    if (table === "inbox") this.inboxes.push(value);
    return super.insert(table, key, value);
  }
}

type Instance = TestApp & { readonly store: InstanceStore };

describeWithRedis("three instances with a Redis", () => {
  const facade = useFacade();
  let server: TestRedis;
  let clock: WaitingClock;
  let memory: MemoryStore;
  let instances: Instance[];
  let here: Instance;
  let others: Instance[];
  let token: string;
  /** How often the tool ran, by its text. */
  let runs: Map<string, number>;
  let pack: Features;

  beforeEach(async () => {
    server = await startTestRedis();
    clock = new WaitingClock();
    memory = new MemoryStore(clock);
    instances = [];
    runs = new Map();
    const count = defineTool({
      name: "count",
      title: "Count",
      description: "Counts its runs.",
      requires: "mcp",
      input: z.object({ text: z.string() }),
      output: z.object({ runs: z.number() }),
      async run({ text }) {
        const ran = (runs.get(text) ?? 0) + 1;
        runs.set(text, ran);
        return { runs: ran };
      },
    });
    pack = { ...features, tools: [...features.tools, count] };
  });
  afterEach(async () => {
    for (const { store } of instances) store.down = false;
    await Promise.all(instances.map(({ app }) => app.close()));
    await server.stop();
  });

  /** @param redis Of the one that is to hold the stream; like that of the others where it is left out. */
  async function start(redis?: Redis): Promise<void> {
    here = instance(redis);
    others = [instance(), instance()];
    const client = await new OAuthTestClient(here.baseUrl, here.fetch).register();
    token = (await client.tokens("alice")).access_token;
  }

  function instance(redis?: Redis): Instance {
    const store = new InstanceStore(memory);
    const env = { REDIS_URL: server.url };
    const app = createTestApp({
      entraUrl: facade.entra.url,
      store,
      clock,
      features: pack,
      env,
      ...(redis && { redis }),
    });
    const started = { ...app, store };
    instances.push(started);
    return started;
  }

  /** A stream that the others have sent something to already. */
  async function openStream(): Promise<EventStream> {
    const stream = await EventStream.open(here, token);
    for (const [n, other] of others.entries()) {
      await vi.waitUntil(async () => {
        const before = other.store.inboxes.length;
        await answered(stream, call(`warm ${n} ${++ids}`), other);
        return other.store.inboxes.length === before;
      }, PATIENCE);
    }
    return stream;
  }

  let ids = 0;
  const call = (text: string) => ({
    jsonrpc: "2.0" as const,
    id: `call-${++ids}`,
    method: "tools/call",
    params: { name: "count", arguments: { text } },
  });

  async function answered(stream: EventStream, message: ReturnType<typeof call>, by: TestApp) {
    expect((await stream.post(message, by)).status).toBe(202);
    expect(await stream.next()).toMatchObject({
      id: message.id,
      result: { structuredContent: { runs: 1 } },
    });
  }

  const inboxWrites = () => instances.reduce((sum, { store }) => sum + store.inboxes.length, 0);

  it("answers a call once, wherever it is posted, and writes none of them to a table", async () => {
    await start();
    const stream = await openStream();
    const before = inboxWrites();
    for (let n = 0; n < 100; n++) await answered(stream, call(`n${n}`), others[n % 2] ?? here);
    expect([...runs.values()].every((ran) => ran === 1)).toBe(true);
    // None on a machine that has the time; a late one is no fault.
    expect(inboxWrites() - before).toBeLessThan(10);
  });

  it("answers what is too large for Redis by way of the inbox", async () => {
    await start();
    const stream = await openStream();
    const before = inboxWrites();
    await answered(stream, call("ä".repeat(2_000_000)), others[0] ?? here);
    expect(inboxWrites()).toBeGreaterThan(before);
  });

  it("ends the streams of a session that has ended, without a look at storage", async () => {
    await start();
    const streams = [await openStream()];
    for (const other of others) {
      streams.push(await EventStream.open(other, token));
      const key = `relay:${await instanceOf(other)}`;
      await vi.waitUntil(() => server.command("EXISTS", key), PATIENCE);
    }
    const { sub = "", sid } = decodeJwt(token);
    const before = inboxWrites();
    const message = {
      jsonrpc: "2.0" as const,
      id: "end",
      method: "tools/call",
      params: { name: "revokeSession", arguments: { sessionId: `${sub}.${String(sid)}` } },
    };
    await streams[0]?.post(message);
    await Promise.all(streams.map((stream) => stream.rest()));
    for (const other of others) expect(await openStreams(other)).toBe(0);
    expect(inboxWrites()).toBe(before);
  });

  it("runs a message once whose acknowledgement is lost, and the inbox has it too", async () => {
    await start(new MuteRedis(server.url, clock));
    const stream = await EventStream.open(here, token);
    for (let n = 0; n < 3; n++) {
      const other = others[n % 2] ?? here;
      await answered(stream, call(`n${n}`), other);
    }
    const written = others.flatMap(({ store }) => store.inboxes);
    expect(written.length).toBeGreaterThanOrEqual(3);
    await vi.waitUntil(async () => (await inboxOf(here)).length === 0, PATIENCE);
    expect([...runs.values()]).toEqual([1, 1, 1]);
  });

  it("does not run again elsewhere what an instance may have run before it went", async () => {
    await start(new MuteRedis(server.url, clock));
    const stream = await EventStream.open(here, token);
    // By Redis, so that it is connected.
    await vi.waitUntil(async () => {
      await answered(stream, call(`warm ${++ids}`), others[0] ?? here);
      return others[0]?.store.inboxes.at(-1)?.["takeOver"] === "forbidden";
    }, PATIENCE);
    here.store.down = true;
    await answered(stream, call("ran"), others[0] ?? here);
    await server.stop();
    const message = call("has not run");
    expect((await stream.post(message, others[0])).status).toBe(202);
    expect(others[0]?.store.inboxes.map(({ takeOver }) => takeOver).slice(-2)).toEqual([
      "forbidden",
      "allowed",
    ]);
    clock.advance({ seconds: 16 });
    const next = await EventStream.open(others[1] ?? here, token);
    expect(await next.next()).toMatchObject({ id: message.id });
    await answered(next, call("after"), others[1] ?? here);
    expect(runs.get("ran")).toBe(1);
    expect(runs.get("has not run")).toBe(1);
  });

  it("does without Redis, when there is none at its start", async () => {
    await server.stop();
    await start();
    const stream = await EventStream.open(here, token);
    for (let n = 0; n < 10; n++) await answered(stream, call(`n${n}`), others[n % 2] ?? here);
    const { result, ms } = await timed(stream.post(call("last"), others[0]));
    expect(result.status).toBe(202);
    expect(ms).toBeLessThan(AT_MOST_MS);
    for (const other of others) {
      expect(other.log.filter((line) => line.includes("redis-out"))).toHaveLength(1);
    }
  });

  it("loses nothing and runs nothing twice while Redis is restarted empty", async () => {
    await start();
    const stream = await openStream();
    const batch = async () => {
      const messages = Array.from({ length: 10 }, () => call(`n${ids}`));
      const posted = await Promise.all(
        messages.map((message, n) => stream.post(message, others[n % 2])),
      );
      expect(posted.map(({ status }) => status)).toEqual(messages.map(() => 202));
      const answers = new Set<unknown>();
      while (answers.size < messages.length) answers.add((await stream.next())?.["id"]);
      expect(answers).toEqual(new Set(messages.map(({ id }) => id)));
    };
    await batch();
    const restarting = server.restart();
    await batch();
    await restarting;
    while (!instances.every(({ log }) => log.some((line) => line.includes("redis-back")))) {
      await batch();
    }
    await batch();
    expect([...runs.values()].every((ran) => ran === 1)).toBe(true);
  });

  it("shows Redis no name, no token and no word of what is said", async () => {
    await start();
    const commands = await server.monitor();
    const stream = await openStream();
    await answered(stream, call("a secret text"), others[0] ?? here);
    await stream.post(
      { jsonrpc: "2.0", id: "who", method: "tools/call", params: { name: "getUserDetails" } },
      others[1],
    );
    await stream.next();
    const client = await new OAuthTestClient(here.baseUrl, here.fetch).register();
    await client.tokens("alice");
    const seen = commands.join("\n");
    expect(seen).toMatch(/relay:/);
    expect(seen).toMatch(/rate:token:/);
    const { sub = "", sid } = decodeJwt(token);
    for (const secret of [token, sub, String(sid), "secret text", "Alice", "alice", "jsonrpc"]) {
      expect(seen).not.toContain(secret);
    }
  });

  async function inboxOf(app: TestApp) {
    return Array.fromAsync(memory.list("inbox", await instanceOf(app)));
  }
});

/** Reads from Redis, but cannot answer. */
class MuteRedis extends Redis {
  override readonly commands: RedisConnection;

  constructor(url: string, clock: WaitingClock) {
    super({ url, clock, log: recordedLog().log });
    this.commands = new RedisConnection({
      create: () => Promise.reject(new Error("mute")),
      clock,
      outages: this,
    });
  }
}

async function instanceOf(app: TestApp): Promise<string> {
  const response = await app.fetch(new URL("/health", app.baseUrl));
  return ((await response.json()) as { instance: string }).instance;
}
