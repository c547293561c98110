import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { features } from "../../shared/features/all.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import type { TableName } from "../../shared/storage/store.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { PUBLISHER } from "../../tools/entra/service-principals.ts";
import { appToken } from "../support/app-token.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { TestClock } from "../support/test-clock.ts";
import { medianHeap } from "../support/heap.ts";

const CYCLES = 1_000;
const CALLS = 10_000;
/** What may be more than after the warm-up. */
const ALLOWED = 1.1;

/** Together a thousand subscribers and, each of them, three hundred publications. */
const FEED_STREAMS = 100;
const FEED_ROUNDS = 10;
const FEED_PUBLICATIONS = 300;
let sequence = 0;

let entra: RunningEntra;
let clock: TestClock;
let memory: MemoryStore;
let app: TestApp;
let token: string;
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
  clock = new TestClock();
  memory = new MemoryStore(clock);
  app = createTestApp({ entraUrl: entra.url, store: memory, clock, features });
  const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
  token = (await client.tokens("alice")).access_token;
});
afterAll(async () => {
  await app.app.close();
  await entra.stop();
});

/** Opens a stream, says what clients say, and goes away: subscribed or not. */
async function cycle(n: number): Promise<void> {
  const stream = await EventStream.open(app, token);
  if (n % 2 === 0) {
    await stream.post({
      jsonrpc: "2.0",
      id: `s${n}`,
      method: "resources/subscribe",
      params: { uri: "settings://me" },
    });
    await stream.next();
    await stream.post({
      jsonrpc: "2.0",
      id: `u${n}`,
      method: "resources/unsubscribe",
      params: { uri: "settings://me" },
    });
    await stream.next();
  }
  await stream.drop();
}

async function cycles(count: number): Promise<void> {
  for (let n = 0; n < count; n += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, m) => cycle(n + m)));
  }
}

async function calls(count: number): Promise<void> {
  const stream = await EventStream.open(app, token);
  for (let n = 0; n < count; n++) await stream.callTool("getSettings");
  await stream.drop();
}

/** Streams that subscribe to a feed, which changes as long as they are there, and go away. */
async function feeds(rounds: number): Promise<void> {
  const publisher = await appToken(entra, PUBLISHER);
  for (let round = 0; round < rounds; round++) {
    const streams = await Promise.all(
      Array.from({ length: FEED_STREAMS }, () => EventStream.open(app, token)),
    );
    for (const stream of streams) await ask(stream, "resources/subscribe");
    for (let n = 0; n < FEED_PUBLICATIONS; n++) {
      const response = await app.fetch(new URL("/publish", app.baseUrl), {
        method: "POST",
        headers: { authorization: `Bearer ${publisher}`, "content-type": "application/json" },
        body: JSON.stringify([{ topic: "prices", value: n, sequence: ++sequence }]),
      });
      expect(response.status).toBe(200);
    }
    for (const stream of streams) {
      await ask(stream, "resources/unsubscribe");
      await stream.drop();
    }
  }
}

async function ask(stream: EventStream, method: string): Promise<void> {
  await stream.post({ jsonrpc: "2.0", id: method, method, params: { uri: "feed://prices" } });
  for (;;) {
    const message = await stream.next();
    if (message === undefined) throw new Error("the stream has ended");
    if (message["id"] === method) return;
  }
}

const count = async (table: TableName, partition: string) =>
  (await Array.fromAsync(memory.list(table, partition))).length;

const rowsOfFeeds = () => Promise.all([count("feeds", "topics"), count("feeds", "topic prices")]);

const timers = () =>
  process.getActiveResourcesInfo().filter((kind) => kind === "Timeout" || kind === "Immediate")
    .length;

/** Connections linger for a moment after their streams. */
const settled = async () => {
  const user = decodeJwt(token).sub ?? "";
  await expect.poll(() => count("connections", user), { timeout: 20_000 }).toBe(0);
  await expect.poll(() => count("instances", "live"), { timeout: 20_000 }).toBe(0);
};

it("1,000 streams that come and go and 10,000 calls leave nothing behind", async () => {
  await cycles(200);
  await calls(2_000);
  await settled();
  const heapBefore = await medianHeap();
  const timersBefore = timers();
  const listenersBefore = process.eventNames().map((name) => process.listenerCount(name));

  await cycles(CYCLES);
  await calls(CALLS);
  await settled();

  expect(await medianHeap()).toBeLessThan(heapBefore * ALLOWED);
  expect(timers()).toBeLessThanOrEqual(timersBefore + 1);
  expect(process.eventNames().map((name) => process.listenerCount(name))).toEqual(listenersBefore);
});

it("1,000 subscribers of a feed that changes while they are there leave nothing behind", async () => {
  await feeds(3);
  await settled();
  const heapBefore = await medianHeap();
  const timersBefore = timers();
  const rowsBefore = await rowsOfFeeds();

  await feeds(FEED_ROUNDS);
  await settled();

  expect(await medianHeap()).toBeLessThan(heapBefore * ALLOWED);
  expect(timers()).toBeLessThanOrEqual(timersBefore + 1);
  expect(await rowsOfFeeds()).toEqual(rowsBefore);
});
