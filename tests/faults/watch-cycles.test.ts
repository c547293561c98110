import { createHook } from "node:async_hooks";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { CALENDAR_URI } from "../../shared/features/upcoming-events.ts";
import { SLOT_MS } from "../../shared/live/watch-rows.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { EventStream as ResponseStream } from "../support/event-stream.ts";
import { ModernWire } from "../support/modern-wire.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { type ServedApps, serveApps } from "../support/served-apps.ts";
import { nextMessage, SessionWire } from "../support/session-wire.ts";
import type { TestApp } from "../support/test-app.ts";
import { medianHeap } from "../support/heap.ts";

const CYCLES = 1_000;
const WARM_UP_CYCLES = 400;
const AT_ONCE = 20;
/** What may be more than after the warm-up. */
const ALLOWED = 1.1;
const MINUTE_SECONDS = 60;
const DAY_SECONDS = 86_400;

/** What requests to Entra and Graph may take: Node keeps the timer of each for so long, however soon it is answered. */
const REQUEST_MS = 20_000;

/** Every other timer that is set, whether or not it keeps the process alive. */
const timers = new Set<number>();
const timerHook = createHook({
  init(id, type, _trigger, resource) {
    if (type !== "Timeout") return;
    if (Number(Reflect.get(resource, "_idleTimeout")) > REQUEST_MS) timers.add(id);
  },
  destroy: (id) => void timers.delete(id),
});

let entra: RunningEntra;
let served: ServedApps | undefined;
let tokens: string[];
let startedAt: number;
const unended: SessionWire[] = [];
beforeAll(async () => {
  timerHook.enable();
  entra = await startEntra({ port: 0, now: () => new Date(served?.clock.now() ?? Date.now()) });
  const env = { STREAM_LIFETIME: "604800", ACCESS_TOKEN_TTL: String(DAY_SECONDS) };
  served = await serveApps({ entraUrl: entra.url, env });
  startedAt = served.clock.now();
});
afterAll(async () => {
  await served?.stop();
  await entra.stop();
  timerHook.disable();
});

function world(): ServedApps {
  if (served === undefined) throw new Error("not started");
  return served;
}

function app(n: number): TestApp {
  const { apps } = world();
  const found = apps[n % apps.length];
  if (found === undefined) throw new Error("no such instance");
  return found;
}

async function signIn(account: "alice" | "bob"): Promise<string> {
  const client = await new OAuthTestClient(app(0).baseUrl, app(0).fetch).register();
  const scope = "mcp user.read calendar.read";
  return (await client.tokens(account, { scope, resource: app(0).baseUrl })).access_token;
}

/** A stream of HTTP+SSE that subscribes, by way of either instance. */
async function sse(n: number, turn: number, token: string): Promise<void> {
  const stream = await EventStream.open(app(n), token);
  const ask = async (method: string) => {
    const id = `${method} ${n}`;
    const message = { jsonrpc: "2.0" as const, id, method, params: { uri: CALENDAR_URI } };
    expect((await stream.post(message, app(n >> 1))).status).toBe(202);
    for (;;) {
      const said = await stream.next();
      if (said === undefined) throw new Error("the stream has ended");
      if (said["id"] === id) return;
    }
  };
  await ask("resources/subscribe");
  if (turn % 2 === 0) await ask("resources/unsubscribe");
  await stream.drop();
}

/** A session as of 2025-11-25, its stream at one instance and its requests at another. */
async function session(n: number, turn: number, token: string): Promise<void> {
  const wire = new SessionWire(app(n), token);
  await wire.initialize();
  const gone = new AbortController();
  const stream = new ResponseStream(await wire.get({ app: app(n >> 1), signal: gone.signal }));
  const { messages } = await wire.ask("resources/subscribe", { uri: CALENDAR_URI });
  expect(messages).toMatchObject([{ result: {} }]);
  if (turn % 3 === 0) await wire.ask("resources/unsubscribe", { uri: CALENDAR_URI }, app(n + 1));
  if (turn % 3 === 1) expect((await wire.delete(app(n + 1))).status).toBe(204);
  else unended.push(wire);
  gone.abort();
  await stream.close();
}

/** `subscriptions/listen` as of 2026-07-28. */
async function listen(n: number, _turn: number, token: string): Promise<void> {
  const gone = new AbortController();
  const response = await new ModernWire(app(n), token).send(
    "subscriptions/listen",
    { notifications: { resourceSubscriptions: [CALENDAR_URI] } },
    { signal: gone.signal },
  );
  const stream = new ResponseStream(response);
  expect(await nextMessage(stream)).toHaveProperty("method");
  gone.abort();
  await stream.close();
}

const WAYS = [sse, session, listen];

/** Clients come and go; then it is quiet for longer than anybody may take to come back. */
async function cycles(count: number): Promise<void> {
  tokens = [await signIn("alice"), await signIn("bob")];
  for (let from = 0; from < count; from += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, k) => {
        const n = from + k;
        const turn = Math.floor(n / WAYS.length);
        await WAYS[n % WAYS.length]?.(n, turn, tokens[turn % tokens.length] ?? "");
      }),
    );
    await later(11 * MINUTE_SECONDS);
    await later(11 * MINUTE_SECONDS);
  }
}

async function later(seconds: number): Promise<void> {
  world().clock.advance({ seconds });
  // Streams linger for a moment after their clients.
  await expect.poll(connectionsOpen, { timeout: 20_000 }).toBe(0);
  await app(0).app.maintain(app(0).recording);
}

const rows = async (table: "watches" | "connections" | "instances", partition: string) =>
  Array.fromAsync(world().memory.list(table, partition));

const people = () => tokens.map((token) => decodeJwt(token).sub ?? "");

async function connectionsOpen(): Promise<number> {
  const all = (await Promise.all(people().map((person) => rows("connections", person)))).flat();
  return all.filter(({ value }) => value["instance"] !== "" && value["endedAt"] === undefined)
    .length;
}

async function leftOver(): Promise<string[]> {
  const lastSlot = Math.floor(world().clock.now() / SLOT_MS) + (DAY_SECONDS * 1000) / SLOT_MS;
  const slots: number[] = [];
  for (let slot = Math.floor(startedAt / SLOT_MS); slot <= lastSlot; slot++) slots.push(slot);
  const left = await Promise.all([
    rows("instances", "live"),
    ...people().flatMap((person) => [rows("watches", person), rows("connections", person)]),
    ...slots.map((slot) => rows("watches", `due ${slot}`)),
  ]);
  return left.flat().map(({ key, value }) => `${JSON.stringify(key)} ${JSON.stringify(value)}`);
}

/** Sessions that nobody has ended would rest in memory for ten minutes by the process's own clock. */
async function settle(): Promise<void> {
  for (const wire of unended.splice(0)) await wire.delete();
  // What lingers has written by then until when it is kept.
  await expect.poll(() => rows("instances", "live"), { timeout: 10_000 }).toEqual([]);
  for (let days = 0; days < 2; days++) await later(DAY_SECONDS);
  expect(await leftOver()).toEqual([]);
}

const asked = (what: string) => entra.requests()[`graph.${what}`] ?? 0;

it("1,000 clients of all kinds that subscribe and leave again leave nothing behind", async () => {
  await cycles(WARM_UP_CYCLES);
  await settle();
  const heapBefore = await medianHeap();
  const timersBefore = timers.size;
  const listenersBefore = process.eventNames().map((name) => process.listenerCount(name));

  await cycles(CYCLES);
  await settle();

  expect(entra.subscriptions()).toEqual([]);
  // Two people, each time that they were away for long enough: that many were there to be left behind.
  expect(asked("subscribe")).toBeGreaterThanOrEqual((2 * CYCLES) / AT_ONCE);
  expect(await medianHeap()).toBeLessThan(heapBefore * ALLOWED);
  expect(timers.size).toBeLessThanOrEqual(timersBefore + 2);
  expect(process.eventNames().map((name) => process.listenerCount(name))).toEqual(listenersBefore);
});
