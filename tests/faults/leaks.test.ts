import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { features } from "../../shared/features/all.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import type { TableName } from "../../shared/storage/store.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { TestClock } from "../support/test-clock.ts";
import { medianHeap } from "../support/heap.ts";

const CYCLES = 1_000;
const CALLS = 10_000;
/** What may be more than after the warm-up. */
const ALLOWED = 1.1;

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

const count = async (table: TableName, partition: string) =>
  (await Array.fromAsync(memory.list(table, partition))).length;

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
