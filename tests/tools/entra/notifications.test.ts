import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ACCOUNTS, HOME_TENANT } from "../../../tools/entra/directory.ts";
import type { AccountName } from "../../../tools/entra/directory.ts";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import { RETRY_DELAYS_MS } from "../../../tools/entra/subscriptions/deliver.ts";
import { ManualTime } from "./manual-time.ts";
import { signIn, sendJson } from "./support.ts";
import { properReply, startWebhook } from "./webhook.ts";
import type { Webhook } from "./webhook.ts";

const MINUTE_MS = 60_000;
const TOKEN_MINUTES = 75;

let time: ManualTime;
let entra: RunningEntra;
let webhook: Webhook;
let alice: string;
beforeAll(async () => {
  webhook = await startWebhook();
});
afterAll(() => webhook.stop());

beforeEach(async () => {
  webhook.reply(properReply);
  time = new ManualTime();
  entra = await startEntra({ port: 0, now: time.now, wait: time.wait });
  alice = (await signIn(entra, "alice")).access_token;
});
afterEach(async () => {
  await entra.stop();
  expect(webhook.pending).toBe(0);
});

const IdSchema = z.looseObject({ id: z.string() });

async function idOf(answer: Response): Promise<string> {
  expect(answer.ok).toBe(true);
  return IdSchema.parse(await answer.json()).id;
}

const graph = (method: string, path: string, body?: unknown, token = alice) =>
  sendJson(`${entra.url}/v1.0${path}`, method, body, token);

const admin = (method: string, path: string, body?: unknown) =>
  sendJson(`${entra.url}/admin${path}`, method, body);

const inMinutes = (minutes: number) =>
  new Date(time.now().getTime() + minutes * MINUTE_MS).toISOString();

async function subscribe(change: Record<string, unknown> = {}, token = alice): Promise<string> {
  const body = {
    changeType: "created,updated,deleted",
    notificationUrl: `${webhook.url}/notifications`,
    lifecycleNotificationUrl: `${webhook.url}/lifecycle`,
    resource: "/me/events",
    expirationDateTime: inMinutes(4000),
    clientState: "secret",
    ...change,
  };
  return idOf(await graph("POST", "/subscriptions", body, token));
}

/** Puts an event in somebody's calendar and returns its id. */
async function createEvent(account: AccountName = "alice", subject = "Lunch"): Promise<string> {
  const [start, end] = ["2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z"];
  return idOf(await admin("POST", "/events", { account, subject, start, end }));
}

const changesTold = async () => (await webhook.next()).entries.map((entry) => entry["changeType"]);

/** Which event an entry is about. */
const eventOf = (entry: Record<string, unknown> | undefined) =>
  z.object({ resourceData: IdSchema }).parse(entry).resourceData.id;

describe("a change of a calendar", () => {
  it("is told to its subscriber as Graph tells it", async () => {
    const subscriptionId = await subscribe();
    const id = await createEvent();
    const { path, entries } = await webhook.next();
    expect(path).toBe("/notifications");
    const resource = `Users/${ACCOUNTS.alice.profile.id}/Events/${id}`;
    expect(entries).toEqual([
      {
        id: entries[0]?.["id"],
        subscriptionId,
        subscriptionExpirationDateTime: inMinutes(4000).replace("Z", "0000Z"),
        clientState: "secret",
        tenantId: HOME_TENANT.id,
        changeType: "created",
        resource,
        resourceData: {
          "@odata.type": "#Microsoft.Graph.Event",
          "@odata.id": resource,
          "@odata.etag": `W/"${id}.0"`,
          id,
        },
      },
    ]);
  });

  it("is created, updated or deleted, made through Graph or by the admin", async () => {
    await subscribe();
    const { access_token: editor } = await signIn(entra, "alice", {
      scope: "openid offline_access Calendars.ReadWrite",
    });
    const time24 = { dateTime: "2026-11-24T12:00:00", timeZone: "UTC" };
    const id = await idOf(
      await graph("POST", "/me/events", { start: time24, end: time24 }, editor),
    );
    expect(await changesTold()).toEqual(["created"]);
    await graph("PATCH", `/me/events/${id}`, { subject: "Later" }, editor);
    expect(await changesTold()).toEqual(["updated"]);
    await admin("PATCH", `/events/${id}`, { subject: "Even later" });
    expect(await changesTold()).toEqual(["updated"]);
    await graph("DELETE", `/me/events/${id}`, undefined, editor);
    expect(await changesTold()).toEqual(["deleted"]);
  });

  it("is told of those kinds that were asked for, and to those whose calendar it is", async () => {
    await subscribe({ changeType: "Deleted, updated" });
    const { access_token: bob } = await signIn(entra, "bob");
    const ofBob = await subscribe({}, bob);
    const id = await createEvent("alice");
    await admin("DELETE", `/events/${id}`);
    await createEvent("bob");
    const [first, second] = [await webhook.next(), await webhook.next()];
    expect(first.entries).toMatchObject([{ changeType: "deleted", resourceData: { id } }]);
    expect(second.entries).toMatchObject([{ changeType: "created", subscriptionId: ofBob }]);
  });

  it("is told to the subscribers of one address in one post, to others in another", async () => {
    const here = [await subscribe(), await subscribe({ clientState: "another" })];
    const there = await subscribe({ notificationUrl: `${webhook.url}/elsewhere` });
    await createEvent();
    const posts = [await webhook.next(), await webhook.next()].toSorted((a, b) =>
      a.path.localeCompare(b.path),
    );
    expect(posts).toMatchObject([
      { path: "/elsewhere", entries: [{ subscriptionId: there }] },
      {
        path: "/notifications",
        entries: [
          { subscriptionId: here[0], clientState: "secret" },
          { subscriptionId: here[1], clientState: "another" },
        ],
      },
    ]);
  });

  it("is told to nobody after the end: expired, deleted or reset", async () => {
    const deleted = await subscribe();
    await graph("DELETE", `/subscriptions/${deleted}`);
    await subscribe({ expirationDateTime: inMinutes(45) });
    time.advance(45 * MINUTE_MS);
    await createEvent();
    await subscribe();
    await admin("POST", "/reset");
    await createEvent();
    const last = await subscribe();
    await createEvent();
    expect((await webhook.next()).entries).toMatchObject([{ subscriptionId: last }]);
  });
});

describe("a post that is not taken", () => {
  it("is made again after pauses that grow, until it is", async () => {
    await subscribe();
    const answers = [503, 500, 404, 302];
    webhook.reply(() => ({ status: answers.shift() ?? 202 }));
    const id = await createEvent();
    for (const pauseMs of RETRY_DELAYS_MS.slice(0, 4)) {
      expect(eventOf((await webhook.next()).entries[0])).toBe(id);
      await time.sleepingFor(pauseMs);
      time.advance(pauseMs);
    }
    expect(eventOf((await webhook.next()).entries[0])).toBe(id);
    await time.sleepingAtMost(1);
    expect(entra.notifications().map(({ status }) => status)).toEqual([503, 500, 404, 302, 202]);
    expect(RETRY_DELAYS_MS.toSorted((a, b) => a - b)).toEqual(RETRY_DELAYS_MS);
  });

  it("is made again where no answer came, after three seconds, later after ten", async () => {
    await subscribe();
    webhook.reply(() => "never");
    await createEvent();
    await webhook.next();
    await time.sleepingFor(3_000);
    time.advance(3_000);
    await time.sleepingFor(250);
    time.advance(250);
    await webhook.next();
    await time.sleepingFor(10_000);
    webhook.reply(() => "cut");
    time.advance(10_000);
    await time.sleepingFor(500);
    time.advance(500);
    await webhook.next();
    await time.sleepingFor(1_000);
    webhook.reply(properReply);
    time.advance(1_000);
    await webhook.next();
    await time.sleepingAtMost(1);
    expect(entra.notifications().map(({ status }) => status)).toEqual([
      "timeout",
      "timeout",
      "unreachable",
      202,
    ]);
  });

  it("does not hold up the next one", async () => {
    await subscribe();
    const answers = [503];
    webhook.reply(() => ({ status: answers.shift() ?? 202 }));
    const first = await createEvent();
    await webhook.next();
    await time.sleepingFor(250);
    const second = await createEvent();
    expect(eventOf((await webhook.next()).entries[0])).toBe(second);
    time.advance(250);
    expect(eventOf((await webhook.next()).entries[0])).toBe(first);
  });

  it("is given up in the end, and the loss is told as `missed`", async () => {
    const subscriptionId = await subscribe();
    const subscriptionExpirationDateTime = inMinutes(4000).replace("Z", "0000Z");
    webhook.reply((where) => ({ status: where === "/lifecycle" ? 202 : 503 }));
    await createEvent();
    for (const pauseMs of RETRY_DELAYS_MS) {
      await webhook.next();
      await time.sleepingFor(pauseMs);
      time.advance(pauseMs);
    }
    expect((await webhook.next()).path).toBe("/notifications");
    const { path, entries } = await webhook.next();
    expect(path).toBe("/lifecycle");
    expect(entries).toEqual([
      {
        subscriptionId,
        subscriptionExpirationDateTime,
        clientState: "secret",
        tenantId: HOME_TENANT.id,
        lifecycleEvent: "missed",
      },
    ]);
  });

  it("is called off by a reset", async () => {
    await subscribe();
    webhook.reply(() => ({ status: 503 }));
    await createEvent();
    await webhook.next();
    await time.sleepingFor(250);
    entra.reset();
    expect(time.sleeping).toBe(0);
    expect(entra.notifications()).toEqual([]);
  });
});

describe("the switches", () => {
  it("delay notifications, which collect in one post meanwhile", async () => {
    await subscribe();
    entra.set({ notificationDelayMs: 60_000 });
    const ids = [await createEvent(), await createEvent()];
    await time.sleepingFor(60_000);
    expect(webhook.pending).toBe(0);
    time.advance(60_000);
    expect((await webhook.next()).entries.map(eventOf)).toEqual(ids);
  });

  it("let a delayed one arrive after its subscription has ended", async () => {
    const id = await subscribe();
    entra.set({ notificationDelayMs: 60_000 });
    await createEvent();
    await graph("DELETE", `/subscriptions/${id}`);
    time.advance(60_000);
    expect((await webhook.next()).entries).toMatchObject([{ subscriptionId: id }]);
  });

  it("lose notifications for good, but no lifecycle events", async () => {
    const id = await subscribe();
    entra.set({ notificationsLost: true });
    await createEvent();
    await admin("POST", `/subscriptions/${id}/lifecycle`, { lifecycleEvent: "missed" });
    expect((await webhook.next()).entries).toMatchObject([{ lifecycleEvent: "missed" }]);
    entra.set({ notificationsLost: false });
    const told = await createEvent();
    expect((await webhook.next()).entries.map(eventOf)).toEqual([told]);
  });

  it("repeat each post", async () => {
    await subscribe();
    entra.set({ notificationsRepeated: true });
    await createEvent();
    expect(await webhook.next()).toEqual(await webhook.next());
  });

  it("let the later notification come first", async () => {
    await subscribe();
    entra.set({ notificationsReordered: true });
    const [first, second] = [await createEvent(), await createEvent()];
    expect((await webhook.next()).entries.map(eventOf)).toEqual([second]);
    expect((await webhook.next()).entries.map(eventOf)).toEqual([first]);
    const waits = await createEvent();
    expect(webhook.pending).toBe(0);
    entra.set({ notificationsReordered: false });
    expect((await webhook.next()).entries.map(eventOf)).toEqual([waits]);
  });
});

/** The next lifecycle event, once its post is answered: time that is moved on before would call it late. */
async function challenged() {
  const { path, entries } = await webhook.next();
  await time.sleepingAtMost(1);
  return [path, entries.map((entry) => entry["lifecycleEvent"])];
}

describe("the token of a subscription", () => {
  const CHALLENGE = ["/lifecycle", ["reauthorizationRequired"]];

  it("is asked for 15 minutes before it expires, again and again, and then no more", async () => {
    const id = await subscribe();
    const pauses = [TOKEN_MINUTES - 15, 7.5, 3.75, 1.875, 1, 1];
    for (const minutes of pauses) {
      await time.sleepingFor(minutes * MINUTE_MS);
      time.advance(minutes * MINUTE_MS);
      expect(await challenged()).toEqual(CHALLENGE);
    }
    expect(entra.subscriptions().map((subscription) => subscription.id)).toEqual([id]);
    await time.sleepingAtMost(0);
  });

  it("pauses the subscription when it has expired: what happens then is never told", async () => {
    const id = await subscribe();
    time.advance(TOKEN_MINUTES * MINUTE_MS);
    expect(await challenged()).toEqual(CHALLENGE);
    await createEvent();
    const { access_token: fresh } = await signIn(entra, "alice");
    await graph("POST", `/subscriptions/${id}/reauthorize`, undefined, fresh);
    const told = await createEvent();
    expect((await webhook.next()).entries.map(eventOf)).toEqual([told]);
  });

  it.each([
    ["PATCH", "", () => ({ expirationDateTime: inMinutes(4000) })],
    ["POST", "/reauthorize", () => undefined],
  ])("is replaced by %s %s, which begins the time anew", async (method, action, body) => {
    const id = await subscribe();
    time.advance(50 * MINUTE_MS);
    const { access_token: fresh } = await signIn(entra, "alice");
    const answer = await graph(method, `/subscriptions/${id}${action}`, body(), fresh);
    expect(answer.ok).toBe(true);
    expect(time.sleeping).toBe(1);
    await time.sleepingFor((TOKEN_MINUTES - 15) * MINUTE_MS);
    time.advance((TOKEN_MINUTES - 15) * MINUTE_MS);
    expect(await challenged()).toEqual(CHALLENGE);
  });

  it("is asked for in the middle of its life where that is short", async () => {
    entra.set({ accessTokenSeconds: 600 });
    const { access_token: short } = await signIn(entra, "alice");
    await subscribe({}, short);
    await time.sleepingFor(300_000);
    time.advance(300_000);
    expect(await challenged()).toEqual(CHALLENGE);
  });

  it("is asked for no more when the subscription has expired", async () => {
    await subscribe({ expirationDateTime: inMinutes(50) });
    time.advance(60 * MINUTE_MS);
    await createEvent();
    expect(entra.subscriptions()).toEqual([]);
    expect(time.sleeping).toBe(0);
  });
});

describe("lifecycle events on demand", () => {
  it.each(["reauthorizationRequired", "missed"])("can be %s", async (lifecycleEvent) => {
    const id = await subscribe();
    const answer = await admin("POST", `/subscriptions/${id}/lifecycle`, { lifecycleEvent });
    expect(answer.status).toBe(204);
    expect(await webhook.next()).toMatchObject({
      path: "/lifecycle",
      entries: [{ subscriptionId: id, clientState: "secret", lifecycleEvent }],
    });
    expect(entra.subscriptions()).toHaveLength(1);
  });

  it("can be subscriptionRemoved, and it is", async () => {
    const id = await subscribe();
    const body = { lifecycleEvent: "subscriptionRemoved" };
    await admin("POST", `/subscriptions/${id}/lifecycle`, body);
    expect((await webhook.next()).entries).toMatchObject([{ subscriptionId: id, ...body }]);
    expect((await graph("GET", `/subscriptions/${id}`)).status).toBe(404);
    expect((await admin("POST", `/subscriptions/${id}/lifecycle`, body)).status).toBe(404);
  });

  it("can be nothing else", async () => {
    const id = await subscribe();
    const answer = await admin("POST", `/subscriptions/${id}/lifecycle`, { lifecycleEvent: "x" });
    expect(answer.status).toBe(400);
  });

  it("are for those who named a URL for them", async () => {
    const id = await subscribe({ lifecycleNotificationUrl: undefined });
    await admin("POST", `/subscriptions/${id}/lifecycle`, { lifecycleEvent: "missed" });
    const told = await createEvent();
    expect((await webhook.next()).entries.map(eventOf)).toEqual([told]);
  });
});

it("what was sent is listed, with when and what came of it", async () => {
  await subscribe();
  const id = await createEvent();
  await webhook.next();
  const list: unknown = await (await admin("GET", "/notifications")).json();
  expect(list).toMatchObject([
    {
      at: time.now().toISOString(),
      url: `${webhook.url}/notifications`,
      value: [{ resourceData: { id } }],
    },
  ]);
});

it("goes by the machine's clock unless told otherwise", async () => {
  await entra.stop();
  entra = await startEntra({ port: 0 });
  alice = (await signIn(entra)).access_token;
  await subscribe();
  const answers = [503];
  webhook.reply(() => ({ status: answers.shift() ?? 202 }));
  const id = await createEvent();
  const started = performance.now();
  expect((await webhook.next()).entries.map(eventOf)).toEqual([id]);
  expect((await webhook.next()).entries.map(eventOf)).toEqual([id]);
  expect(performance.now() - started).toBeGreaterThan(200);
});

describe("with a data folder", () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "entra-"));
  });
  afterAll(() => rm(dataDir, { recursive: true }));

  it("subscriptions go on after a restart, and so does the watch over their tokens", async () => {
    await entra.stop();
    entra = await startEntra({ port: 0, dataDir, now: time.now, wait: time.wait });
    alice = (await signIn(entra)).access_token;
    const id = await subscribe();
    await entra.stop();
    expect(time.sleeping).toBe(0);
    entra = await startEntra({ port: 0, dataDir, now: time.now, wait: time.wait });
    expect(entra.subscriptions().map((subscription) => subscription.id)).toEqual([id]);
    const told = await createEvent();
    expect((await webhook.next()).entries.map(eventOf)).toEqual([told]);
    time.advance((TOKEN_MINUTES - 15) * MINUTE_MS);
    expect((await webhook.next()).path).toBe("/lifecycle");
  });
});
