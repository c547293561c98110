import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CALENDAR_URI } from "../../shared/features/upcoming-events.ts";
import type { AccountName } from "../../tools/entra/directory.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { createTestApp } from "../support/test-app.ts";
import { type ServedApps, serveApps } from "../support/served-apps.ts";

const MINUTE = 60;

let entra: RunningEntra;
let served: ServedApps | undefined;
beforeAll(async () => {
  // One time for both: it passes when a test moves the clock.
  entra = await startEntra({ port: 0, now: () => new Date(served?.clock.now() ?? Date.now()) });
});
afterAll(() => entra.stop());

beforeEach(async () => {
  entra.reset();
  // Streams that outlive what a test lets pass.
  served = await serveApps({ entraUrl: entra.url, env: { STREAM_LIFETIME: "604800" } });
  // As the timer does every five minutes.
  await upkeep();
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

async function signIn(account: AccountName = "alice") {
  const client = await new OAuthTestClient(app(0).baseUrl, app(0).fetch).register();
  const scope = "mcp user.read calendar.read";
  const tokens = await client.tokens(account, { scope });
  return { client, token: tokens.access_token, refresh: tokens.refresh_token };
}

let ids = 0;
async function ask(stream: EventStream, method: string, params: object) {
  const id = `ask-${++ids}`;
  const posted = await stream.post({ jsonrpc: "2.0", id, method, params: { ...params } });
  expect(posted.status).toBe(202);
  for (;;) {
    const message = await stream.next();
    if (message === undefined) throw new Error("the stream has ended");
    if (message["id"] === id) return message as { result?: unknown; error?: unknown };
  }
}

async function subscribed(n: number, token: string) {
  const stream = await EventStream.open(app(n), token);
  expect(await ask(stream, "resources/subscribe", { uri: CALENDAR_URI })).toMatchObject({
    result: {},
  });
  return stream;
}

const updated = { method: "notifications/resources/updated", params: { uri: CALENDAR_URI } };

async function addEvent(account: AccountName = "alice", subject = "Zeppelin flight") {
  const start = new Date(world().clock.now() + 3_600_000).toISOString();
  const end = new Date(world().clock.now() + 7_200_000).toISOString();
  const response = await fetch(new URL("/admin/events", entra.url), {
    method: "POST",
    body: JSON.stringify({ account, subject, start, end }),
  });
  expect(response.ok).toBe(true);
}

async function read(stream: EventStream): Promise<string> {
  const { result } = await ask(stream, "resources/read", { uri: CALENDAR_URI });
  return (result as { contents: { text: string }[] }).contents[0]?.text ?? "";
}

async function listed(stream: EventStream): Promise<string> {
  const call = { name: "listEvents", arguments: { days: 7 } };
  return JSON.stringify((await ask(stream, "tools/call", call)).result);
}

const graphReads = () => entra.requests()["graph.calendarView"] ?? 0;

async function upkeep(): Promise<void> {
  await app(1).app.maintain(app(1).recording);
}

describe("a subscription to the calendar", () => {
  it("hears of changes that are made elsewhere, whichever instance Graph tells", async () => {
    const { token } = await signIn();
    const stream = await subscribed(0, token);
    world().notify = 1;
    await addEvent();
    expect(await stream.next()).toMatchObject(updated);
    expect(await read(stream)).toContain("Zeppelin flight");
  });

  it("is one at Graph for a person, however many clients and instances", async () => {
    const { token } = await signIn();
    const other = await signIn();
    const streams = [
      await subscribed(0, token),
      await subscribed(1, token),
      await subscribed(1, other.token),
    ];
    expect(entra.subscriptions()).toHaveLength(1);
    await addEvent();
    for (const stream of streams) expect(await stream.next()).toMatchObject(updated);
  });

  it("is another one for another person, who hears nothing of the first", async () => {
    const alice = await subscribed(0, (await signIn()).token);
    const bob = await subscribed(0, (await signIn("bob")).token);
    expect(entra.subscriptions()).toHaveLength(2);
    await addEvent("alice");
    expect(await alice.next()).toMatchObject(updated);
    await addEvent("bob", "Bob's own");
    expect(await bob.next()).toMatchObject(updated);
    expect(await read(bob)).not.toContain("Zeppelin flight");
  });

  it("keeps what was read until Graph tells of a change, for the tool as well", async () => {
    const stream = await subscribed(0, (await signIn()).token);
    const before = graphReads();
    await read(stream);
    await read(stream);
    await ask(stream, "tools/call", { name: "listEvents", arguments: { days: 7 } });
    expect(graphReads()).toBe(before + 1);
    await addEvent();
    expect(await stream.next()).toMatchObject(updated);
    expect(await read(stream)).toContain("Zeppelin flight");
    expect(graphReads()).toBe(before + 2);
  });

  it("is never read as it was before a change that was told, at whatever instance", async () => {
    const { token } = await signIn();
    const streams = [await subscribed(0, token), await subscribed(1, token)];
    for (let n = 0; n < 6; n++) {
      // Both have kept what they read before, and one of them is told.
      for (const stream of streams) await read(stream);
      world().notify = n % 2;
      await addEvent("alice", `Flight ${n}`);
      for (const stream of streams) {
        await expect.poll(async () => (await stream.next())?.["method"]).toBe(updated.method);
      }
      for (const stream of streams) expect(await read(stream)).toContain(`Flight ${n}`);
    }
  });

  it("and the tool say the same after a change, at whatever instance", async () => {
    const { token } = await signIn();
    const streams = [await subscribed(0, token), await EventStream.open(app(1), token)];
    for (const stream of streams) {
      await read(stream);
      await listed(stream);
    }
    await addEvent();
    expect(await streams[0]?.next()).toMatchObject(updated);
    for (const stream of streams) {
      expect(await read(stream)).toContain("Zeppelin flight");
      expect(await listed(stream)).toContain("Zeppelin flight");
    }
  });

  it("is read as it was before where Graph is away, and not at all where that is not known", async () => {
    const stream = await subscribed(0, (await signIn()).token);
    const before = await read(stream);
    entra.set({ serverError: ["graph"] });
    expect(await read(stream)).toBe(before);
    expect(await listed(stream)).toContain("events");
    const other = await EventStream.open(app(0), (await signIn("bob")).token);
    expect(await ask(other, "resources/read", { uri: CALENDAR_URI })).toMatchObject({
      error: { message: expect.stringContaining("Microsoft Graph") as string },
    });
  });

  it("counts once however often a client says it, and is left as often as it likes", async () => {
    const stream = await subscribed(0, (await signIn()).token);
    expect(await ask(stream, "resources/subscribe", { uri: CALENDAR_URI })).toMatchObject({
      result: {},
    });
    expect(entra.subscriptions()).toHaveLength(1);
    await addEvent();
    expect(await stream.next()).toMatchObject(updated);
    for (let n = 0; n < 2; n++) {
      const left = await ask(stream, "resources/unsubscribe", { uri: CALENDAR_URI });
      expect(left).toMatchObject({ result: {} });
    }
    world().clock.advance({ seconds: 15 * MINUTE });
    await upkeep();
    expect(entra.subscriptions()).toEqual([]);
  });

  it("keeps nothing where nobody is subscribed", async () => {
    const stream = await EventStream.open(app(0), (await signIn()).token);
    await read(stream);
    await read(stream);
    expect(graphReads()).toBe(2);
  });

  it("needs the scope that reading needs", async () => {
    const client = await new OAuthTestClient(app(0).baseUrl, app(0).fetch).register();
    const { access_token: token } = await client.tokens("alice", { scope: "mcp" });
    const stream = await EventStream.open(app(0), token);
    expect(await ask(stream, "resources/subscribe", { uri: CALENDAR_URI })).toHaveProperty("error");
    expect(entra.subscriptions()).toEqual([]);
  });
});

describe("a server that Graph cannot reach", () => {
  it("accepts subscriptions, watches nothing, and says so of the resource", async () => {
    const { token } = await signIn();
    const live = await EventStream.open(app(0), token);
    expect(JSON.stringify(await ask(live, "resources/list", {}))).not.toContain("Not live");
    const deaf = createTestApp({
      entraUrl: entra.url,
      // In front of it: what is asked of Graph must not leave this machine.
      env: { GRAPH_BASE_URL: "https://localhost:9" },
    });
    const client = await new OAuthTestClient(deaf.baseUrl, deaf.fetch).register();
    const tokens = await client.tokens("alice", { scope: "mcp user.read calendar.read" });
    const stream = await EventStream.open(deaf, tokens.access_token);
    const subscribe = await ask(stream, "resources/subscribe", { uri: CALENDAR_URI });
    expect(subscribe).toMatchObject({ result: {} });
    expect(entra.requests()["graph.subscribe"]).toBeUndefined();
    const { result } = await ask(stream, "resources/list", {});
    const { resources } = result as { resources: { uri: string; description: string }[] };
    expect(resources.find(({ uri }) => uri === CALENDAR_URI)?.description).toContain("Not live");
    expect(resources.filter(({ description }) => description.includes("Not live"))).toHaveLength(1);
  });
});

describe("the end of a watch", () => {
  it("comes ten minutes after the last subscriber, and leaves nothing", async () => {
    const { token } = await signIn();
    const stream = await subscribed(0, token);
    await ask(stream, "resources/unsubscribe", { uri: CALENDAR_URI });
    world().clock.advance({ seconds: 9 * MINUTE });
    await upkeep();
    expect(entra.subscriptions()).toHaveLength(1);
    world().clock.advance({ seconds: 6 * MINUTE });
    await upkeep();
    expect(entra.subscriptions()).toEqual([]);
    const sub = decodeJwt(token).sub ?? "";
    expect(await Array.fromAsync(world().memory.list("watches", sub))).toEqual([]);
  });

  it("does not come where the client is back before", async () => {
    const { token } = await signIn();
    const stream = await subscribed(0, token);
    await stream.drop();
    world().clock.advance({ seconds: 5 * MINUTE });
    const again = await EventStream.open(app(1), token);
    world().clock.advance({ seconds: 20 * MINUTE });
    await upkeep();
    expect(entra.subscriptions()).toHaveLength(1);
    await addEvent();
    expect(await again.next()).toMatchObject(updated);
  });

  it("has a client read again that comes back: it may have missed a change", async () => {
    const { token } = await signIn();
    const stream = await subscribed(0, token);
    await stream.drop();
    await addEvent();
    const again = await EventStream.open(app(1), token);
    expect(await again.next()).toMatchObject(updated);
    expect(await read(again)).toContain("Zeppelin flight");
  });

  it("comes with the end of the session", async () => {
    const { token, client } = await signIn();
    const stream = await subscribed(0, token);
    await client.postForm("/revoke", { token, client_id: client.id });
    await stream.rest();
    expect(entra.subscriptions()).toEqual([]);
  });

  it("does not come with a session where another one is subscribed as well", async () => {
    const first = await signIn();
    const second = await signIn();
    await subscribed(0, first.token);
    const stream = await subscribed(1, second.token);
    await first.client.postForm("/revoke", { token: first.token, client_id: first.client.id });
    await addEvent();
    expect(await stream.next()).toMatchObject(updated);
  });
});

const renewals = () => entra.requests()["graph.renewSubscription"] ?? 0;

describe("a watch that lives long", () => {
  it("is renewed before Graph ends it", async () => {
    await subscribed(0, (await signIn()).token);
    const id = onlySubscription();
    for (const hours of [1, 1, 65, 1, 1, 1, 1]) {
      world().clock.advance({ seconds: hours * 61 * MINUTE });
      await upkeep();
      expect(onlySubscription()).toBe(id);
    }
    // After the first hour, when Graph wants a new token then, and near the end of what it gives.
    expect(renewals()).toBeLessThanOrEqual(3);
  });

  it("ends by itself within hours where it was lost before anybody has looked at it", async () => {
    await subscribed(0, (await signIn()).token);
    world().clock.advance({ seconds: 3 * 60 * MINUTE });
    expect(entra.subscriptions()).toEqual([]);
  });

  it("is authorized anew when Graph asks for it", async () => {
    await subscribed(0, (await signIn()).token);
    const id = onlySubscription();
    await lifecycle(id, "reauthorizationRequired");
    await expect.poll(renewals).toBe(1);
  });

  it("is made anew when Graph has dropped it, and the subscriber reads again", async () => {
    const stream = await subscribed(0, (await signIn()).token);
    const id = onlySubscription();
    await lifecycle(id, "subscriptionRemoved");
    expect(await stream.next()).toMatchObject(updated);
    await expect
      .poll(() => entra.subscriptions().map((made) => made.id))
      .toEqual([expect.not.stringMatching(id)]);
    await addEvent();
    expect(await stream.next()).toMatchObject(updated);
  });

  it("has the subscriber read again when notifications were missed", async () => {
    const stream = await subscribed(0, (await signIn()).token);
    const id = onlySubscription();
    await lifecycle(id, "missed");
    expect(await stream.next()).toMatchObject(updated);
  });

  it("is made anew after it has ended without a word, as in an outage", async () => {
    const stream = await subscribed(0, (await signIn()).token);
    const id = onlySubscription();
    await fetch(new URL(`/admin/subscriptions/${id}`, entra.url), { method: "DELETE" });
    expect(entra.subscriptions()).toEqual([]);
    world().clock.advance({ seconds: 69 * 60 * MINUTE });
    await upkeep();
    expect(entra.subscriptions()).toHaveLength(1);
    expect(await stream.next()).toMatchObject(updated);
  });

  it.each([403, 429, 500, 503] as const)(
    "that cannot be had at first (%s) is tried again, and the subscription is accepted",
    async (status) => {
      entra.set({ subscribeFault: status });
      const stream = await subscribed(0, (await signIn()).token);
      expect(entra.subscriptions()).toEqual([]);
      entra.set({ subscribeFault: null });
      world().clock.advance({ seconds: 6 * MINUTE });
      await upkeep();
      expect(entra.subscriptions()).toHaveLength(1);
      expect(await stream.next()).toMatchObject(updated);
    },
  );

  it.each([429, 500, 503] as const)(
    "is renewed in the end where Graph will not at first (%s)",
    async (status) => {
      const stream = await subscribed(0, (await signIn()).token);
      const id = onlySubscription();
      entra.set({ renewFault: status });
      await lifecycle(id, "reauthorizationRequired");
      await expect.poll(renewals).toBe(1);
      entra.set({ renewFault: null });
      world().clock.advance({ seconds: 6 * MINUTE });
      await upkeep();
      expect(renewals()).toBe(2);
      expect(onlySubscription()).toBe(id);
      await addEvent();
      expect(await stream.next()).toMatchObject(updated);
    },
  );

  it("hears what Graph tells while storage is away: Graph tells again", async () => {
    const stream = await subscribed(0, (await signIn()).token);
    world().notify = 1;
    app(1).store.down = true;
    await addEvent();
    await expect.poll(() => entra.notifications().map(({ status }) => status)).toEqual([503]);
    app(1).store.down = false;
    expect(await stream.next()).toMatchObject(updated);
    expect(await read(stream)).toContain("Zeppelin flight");
  });

  it("goes on for another client where the sign-in of the first one was revoked", async () => {
    const first = await signIn();
    await subscribed(0, first.token);
    const stream = await subscribed(1, (await signIn()).token);
    const { client, refresh } = first;
    await client.postForm("/revoke", { token: refresh, client_id: client.id });
    await lifecycle(onlySubscription(), "missed");
    expect(await stream.next()).toMatchObject(updated);
    world().clock.advance({ seconds: 61 * MINUTE });
    await upkeep();
    expect(entra.subscriptions()).toHaveLength(1);
    await addEvent();
    expect(await stream.next()).toMatchObject(updated);
  });

  it("whose instance is gone is kept by the others as long as somebody is subscribed", async () => {
    const { token } = await signIn();
    await subscribed(0, token);
    const stream = await subscribed(1, token);
    app(0).store.down = true;
    world().clock.advance({ seconds: 61 * MINUTE });
    world().notify = 1;
    await upkeep();
    await addEvent();
    expect(await stream.next()).toMatchObject(updated);
  });

  it("ends when all who were subscribed are gone with their instance", async () => {
    await subscribed(0, (await signIn()).token);
    app(0).store.down = true;
    world().clock.advance({ seconds: 61 * MINUTE });
    await upkeep();
    world().clock.advance({ seconds: 15 * MINUTE });
    await upkeep();
    expect(entra.subscriptions()).toEqual([]);
  });

  it("ends where the person's sign-in was revoked", async () => {
    const { token } = await signIn();
    await subscribed(0, token);
    entra.set({ refreshTokensRevoked: ["alice"] });
    const id = onlySubscription();
    await lifecycle(id, "reauthorizationRequired");
    const sub = decodeJwt(token).sub ?? "";
    await expect.poll(() => Array.fromAsync(world().memory.list("watches", sub))).toEqual([]);
  });

  it("that lost a notification is read anew within ten minutes, and hears of the next change", async () => {
    const stream = await subscribed(0, (await signIn()).token);
    await read(stream);
    entra.set({ notificationsLost: true });
    await addEvent("alice", "lost");
    expect(await read(stream)).not.toContain("lost");
    world().clock.advance({ seconds: 10 * MINUTE });
    expect(await read(stream)).toContain("lost");
    entra.set({ notificationsLost: false });
    await addEvent("alice", "found");
    expect(await stream.next()).toMatchObject(updated);
    expect(await read(stream)).toContain("found");
  });

  it("that hears late reads then what is true then", async () => {
    const stream = await subscribed(0, (await signIn()).token);
    await read(stream);
    entra.set({ notificationDelayMs: 200 });
    await addEvent("alice", "late");
    expect(await read(stream)).not.toContain("late");
    expect(await stream.next()).toMatchObject(updated);
    expect(await read(stream)).toContain("late");
  });

  it("that has ended takes a late notification for what it is: nothing to do", async () => {
    const { token, client } = await signIn();
    const stream = await subscribed(0, token);
    entra.set({ notificationDelayMs: 200 });
    await addEvent("alice", "late");
    await client.postForm("/revoke", { token, client_id: client.id });
    await stream.rest();
    await expect.poll(() => entra.notifications().map(({ status }) => status)).toEqual([202]);
    const sub = decodeJwt(token).sub ?? "";
    expect(await Array.fromAsync(world().memory.list("watches", sub))).toEqual([]);
  });

  it("survives what is repeated and reordered", async () => {
    const stream = await subscribed(0, (await signIn()).token);
    entra.set({ notificationsRepeated: true, notificationsReordered: true });
    await addEvent("alice", "first");
    await addEvent("alice", "second");
    expect(await stream.next()).toMatchObject(updated);
    await expect.poll(() => read(stream)).toContain("second");
  });
});

function onlySubscription(): string {
  const [subscription, ...more] = entra.subscriptions();
  if (subscription === undefined || more.length > 0) throw new Error("not one subscription");
  return subscription.id;
}

async function lifecycle(id: string, lifecycleEvent: string): Promise<void> {
  const response = await fetch(new URL(`/admin/subscriptions/${id}/lifecycle`, entra.url), {
    method: "POST",
    body: JSON.stringify({ lifecycleEvent }),
  });
  expect(response.ok).toBe(true);
}
