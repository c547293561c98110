import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { HOME_TENANT } from "../../tools/entra/directory.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { HeldSource } from "../support/held-source.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { type ServedApps, serveApps } from "../support/served-apps.ts";

const URI = "held://source";
const MINUTE = 60;

let entra: RunningEntra;
let served: ServedApps | undefined;
let source: HeldSource;
beforeAll(async () => {
  entra = await startEntra({ port: 0, now: () => new Date(served?.clock.now() ?? Date.now()) });
});
afterAll(() => entra.stop());

beforeEach(async () => {
  entra.reset();
  source = new HeldSource();
  served = await serveApps({
    entraUrl: entra.url,
    features: source.features(URI),
    env: { STREAM_LIFETIME: "604800" },
  });
  // As the timer does every five minutes.
  await upkeep(1);
});
afterEach(() => served?.stop());

function world(): ServedApps {
  if (served === undefined) throw new Error("only inside a test");
  return served;
}

const app = (n: number) => {
  const found = world().apps[n];
  if (found === undefined) throw new Error("no such instance");
  return found;
};

const upkeep = (n: number) => app(n).app.maintain(app(n).recording);

/** @param n The instance that everything but the streams goes to. */
async function signIn(n = 0) {
  const client = await new OAuthTestClient(app(n).baseUrl, app(n).fetch).register();
  const { access_token: token } = await client.tokens("alice");
  return { token, revoke: () => client.postForm("/revoke", { token, client_id: client.id }) };
}

let ids = 0;
async function ask(stream: EventStream, method: string) {
  const id = `ask-${++ids}`;
  const posted = await stream.post({ jsonrpc: "2.0", id, method, params: { uri: URI } });
  expect(posted.status).toBe(202);
  for (;;) {
    const message = await stream.next();
    if (message === undefined) throw new Error("the stream has ended");
    if (message["id"] === id) return message as { result?: unknown };
  }
}

const subscribe = (stream: EventStream) => ask(stream, "resources/subscribe");

async function read(stream: EventStream) {
  const { result } = await ask(stream, "resources/read");
  return (result as { contents: { text: string }[] }).contents[0]?.text;
}

const updated = { method: "notifications/resources/updated", params: { uri: URI } };

/** As the source tells it. */
async function tell({ id, clientState }: { id: string; clientState: string }, event?: string) {
  const entry = {
    subscriptionId: id,
    clientState,
    tenantId: HOME_TENANT.id,
    ...(event !== undefined && { lifecycleEvent: event }),
  };
  const answer = await app(1).fetch(new URL("/notifications", app(1).baseUrl), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ value: [entry] }),
  });
  expect(answer.status).toBe(202);
}

const rowsOf = (token: string) =>
  Array.fromAsync(world().memory.list("watches", decodeJwt(token).sub ?? ""));

const rowOf = async (token: string) => (await rowsOf(token))[0]?.value ?? {};

/** How often an instance has asked for watches: to wait until something has got that far. */
const looksAtWatches = (n: number) => app(n).store.operationsOn.get("watches") ?? 0;

describe("a watch that begins", () => {
  it("is one at its source, and stands, when two subscribe at once on two instances", async () => {
    const { token } = await signIn();
    const streams = [await EventStream.open(app(0), token), await EventStream.open(app(1), token)];
    await Promise.all(streams.map(subscribe));
    await tell(source.only());
    for (const stream of streams) expect(await stream.next()).toMatchObject(updated);
  });

  it("is waited for by whoever subscribes meanwhile: no change falls in between", async () => {
    const { token } = await signIn();
    const [first, second] = [
      await EventStream.open(app(0), token),
      await EventStream.open(app(1), token),
    ];
    const held = source.hold("start");
    const one = subscribe(first);
    const start = await held;
    const before = looksAtWatches(1);
    let answered = false;
    const other = subscribe(second).then(() => (answered = true));
    // Long after it has found that somebody else is at it.
    await expect.poll(() => looksAtWatches(1)).toBeGreaterThan(before + 5);
    expect(answered).toBe(false);
    start.release();
    await Promise.all([one, other]);
    expect(source.living.size).toBe(1);
  });

  it("hears of a change that is told before the source has answered", async () => {
    const { token } = await signIn();
    const stream = await EventStream.open(app(0), token);
    const held = source.hold("start");
    const posted = stream.post({
      jsonrpc: "2.0",
      id: "s",
      method: "resources/subscribe",
      params: { uri: URI },
    });
    const start = await held;
    await posted;
    await tell(source.only());
    expect(await stream.next()).toMatchObject(updated);
    start.release();
    expect(await stream.next()).toMatchObject({ id: "s", result: {} });
    await tell(source.only());
    expect(await stream.next()).toMatchObject(updated);
  });

  it("is begun by another where its instance is gone before it has written what the source calls it", async () => {
    const { token } = await signIn();
    const held = source.hold("start");
    void EventStream.open(app(0), token).then(subscribe);
    await held;
    app(0).store.down = true;
    const stream = await EventStream.open(app(1), (await signIn(1)).token);
    const before = looksAtWatches(1);
    const subscribed = subscribe(stream);
    await expect.poll(() => looksAtWatches(1)).toBeGreaterThan(before + 5);
    const orphan = source.only();
    world().clock.advance({ seconds: 31 });
    await subscribed;
    expect(source.living.size).toBe(2);
    source.living.delete(orphan.id);
    // A subscriber that had to wait is told to read.
    await tell(source.only());
    expect(await stream.next()).toMatchObject(updated);
  });

  it("ends at its source where what it is called cannot be written down", async () => {
    const { token } = await signIn();
    const held = source.hold("start");
    void EventStream.open(app(0), token).then(subscribe);
    const start = await held;
    app(0).store.down = true;
    start.release();
    await expect.poll(() => source.living.size).toBe(0);
  });

  it("ends ten minutes after who has unsubscribed while it began", async () => {
    const { token } = await signIn();
    const stream = await EventStream.open(app(0), token);
    const held = source.hold("start");
    const subscribed = subscribe(stream);
    const start = await held;
    await stream.post({
      jsonrpc: "2.0",
      id: "u",
      method: "resources/unsubscribe",
      params: { uri: URI },
    });
    await expect.poll(async () => (await rowOf(token))["unheldSince"]).toBeGreaterThan(0);
    start.release();
    await subscribed;
    world().clock.advance({ seconds: 11 * MINUTE });
    await upkeep(1);
    expect(source.living.size).toBe(0);
    expect(await rowsOf(token)).toEqual([]);
  });

  it("ends with its session, should that end while it begins", async () => {
    const { token, revoke } = await signIn(1);
    const held = source.hold("start");
    void EventStream.open(app(0), token)
      .then(subscribe)
      .catch(() => undefined);
    const start = await held;
    const before = looksAtWatches(1);
    const revoked = revoke();
    await expect.poll(() => looksAtWatches(1)).toBeGreaterThan(before + 2);
    start.release();
    await revoked;
    expect(source.living.size).toBe(0);
    expect(await rowsOf(token)).toEqual([]);
  });
});

describe("a watch that goes on", () => {
  it("keeps what it is when a renewal of the one before it comes late", async () => {
    const { token } = await signIn();
    const stream = await EventStream.open(app(0), token);
    await subscribe(stream);
    const old = source.only();
    const held = source.hold("renew");
    await tell(old, "reauthorizationRequired");
    const renewal = await held;
    source.living.clear();
    source.expiresAt = world().clock.now() + 3_600_000;
    await tell(old, "subscriptionRemoved");
    await expect.poll(() => rowOf(token)).toMatchObject({ expiresAt: source.expiresAt });
    source.expiresAt = Infinity;
    renewal.release();
    // Told as well that it is gone, in its own time: it must not believe that the new one lives as long.
    await expect.poll(() => source.living.size).toBe(1);
    await tell(source.only());
    expect(await stream.next()).toMatchObject(updated);
    expect(await rowOf(token)).toMatchObject({ sourceId: source.only().id });
    expect((await rowOf(token))["expiresAt"]).toBe(source.expiresAtOf(source.only().id));
  });

  it("is not dropped by a late word that the one before it is gone", async () => {
    const { token } = await signIn();
    const stream = await EventStream.open(app(0), token);
    await subscribe(stream);
    const old = source.only();
    source.living.clear();
    await tell(old, "subscriptionRemoved");
    await expect.poll(() => rowOf(token)).toMatchObject({ sourceId: "watch-2" });
    await tell(old, "subscriptionRemoved");
    await tell(source.only());
    expect(source.only().id).toBe("watch-2");
  });

  it("is begun anew once when two instances look after it at once", async () => {
    const { token } = await signIn();
    const stream = await EventStream.open(app(0), token);
    await subscribe(stream);
    source.living.clear();
    world().clock.advance({ seconds: 23 * 60 * MINUTE });
    await Promise.all([upkeep(0), upkeep(1)]);
    expect(await stream.next()).toMatchObject(updated);
    await tell(source.only());
    expect(await stream.next()).toMatchObject(updated);
  });

  it("is looked at again soon when looking after it has failed", async () => {
    const { token } = await signIn();
    await subscribe(await EventStream.open(app(0), token));
    source.failing = "renew";
    world().clock.advance({ seconds: 23 * 60 * MINUTE });
    await upkeep(1);
    source.failing = undefined;
    source.living.clear();
    world().clock.advance({ seconds: 6 * MINUTE });
    await upkeep(1);
    expect(source.living.size).toBe(1);
  });

  it("is looked at again when storage was away in the middle of it", async () => {
    const { token } = await signIn();
    const stream = await EventStream.open(app(0), token);
    await subscribe(stream);
    world().clock.advance({ seconds: 23 * 60 * MINUTE });
    const held = source.hold("renew");
    const interrupted = upkeep(1).catch(() => undefined);
    const renewal = await held;
    app(1).store.down = true;
    renewal.release();
    await interrupted;
    app(1).store.down = false;
    source.living.clear();
    await upkeep(1);
    expect(source.living.size).toBe(1);
  });
});

describe("a watch that ends", () => {
  it("is begun for a client that comes back in the moment of its end", async () => {
    const { token } = await signIn();
    const first = await EventStream.open(app(0), token);
    await subscribe(first);
    await ask(first, "resources/unsubscribe");
    world().clock.advance({ seconds: 11 * MINUTE });
    const held = source.hold("stop");
    const ended = upkeep(1);
    const stop = await held;
    const stream = await EventStream.open(app(0), token);
    await subscribe(stream);
    stop.release();
    await ended;
    expect(await stream.next()).toMatchObject(updated);
    await tell(source.only());
    expect(await stream.next()).toMatchObject(updated);
  });

  it("is tried again where the source could not be reached", async () => {
    const { token } = await signIn();
    const stream = await EventStream.open(app(0), token);
    await subscribe(stream);
    await ask(stream, "resources/unsubscribe");
    source.failing = "stop";
    world().clock.advance({ seconds: 11 * MINUTE });
    await upkeep(1);
    expect(source.living.size).toBe(1);
    source.failing = undefined;
    world().clock.advance({ seconds: 6 * MINUTE });
    await upkeep(1);
    expect(source.living.size).toBe(0);
    expect(await rowsOf(token)).toEqual([]);
  });

  it("goes on with the session of a client that subscribes while its own session ends", async () => {
    const first = await signIn(1);
    const second = await signIn(1);
    await subscribe(await EventStream.open(app(0), first.token));
    const stream = await EventStream.open(app(0), second.token);
    const held = source.hold("stop");
    const revoked = first.revoke();
    const stop = await held;
    await subscribe(stream);
    stop.release();
    await revoked;
    expect(await stream.next()).toMatchObject(updated);
    await tell(source.only());
    expect(await stream.next()).toMatchObject(updated);
  });

  it("takes with it what was read, for between two watches nobody tells of a change", async () => {
    const first = await signIn(1);
    const stream = await EventStream.open(app(0), first.token);
    await subscribe(stream);
    expect(await read(stream)).toBe("first");
    await first.revoke();
    source.value = "second";
    const second = await EventStream.open(app(0), (await signIn(1)).token);
    await subscribe(second);
    expect(await read(second)).toBe("second");
  });
});
