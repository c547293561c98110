import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { ACCOUNTS, APPLICATION } from "../../../tools/entra/directory.ts";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import { ManualTime } from "./manual-time.ts";
import { signIn, sendJson } from "./support.ts";
import { properReply, startWebhook } from "./webhook.ts";
import type { Reply, Webhook } from "./webhook.ts";

const time = new ManualTime();
let entra: RunningEntra;
let webhook: Webhook;
let alice: string;
let bob: string;
let closedPort: string;
beforeAll(async () => {
  const gone = await startWebhook();
  await gone.stop();
  closedPort = gone.url;
  entra = await startEntra({ port: 0, now: time.now, wait: time.wait });
  webhook = await startWebhook();
  alice = (await signIn(entra, "alice")).access_token;
  bob = (await signIn(entra, "bob")).access_token;
});
beforeEach(() => {
  webhook.reply(properReply);
  webhook.validations.splice(0);
});
afterEach(() => entra.reset());
afterAll(async () => {
  await entra.stop();
  await webhook.stop();
});

const MINUTE_MS = 60_000;
const fromNow = (minutes: number) =>
  new Date(time.now().getTime() + minutes * MINUTE_MS).toISOString();

const SubscriptionSchema = z.looseObject({ id: z.string(), expirationDateTime: z.string() });
const GraphErrorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

const send = (method: string, path: string, body?: unknown, token = alice) =>
  sendJson(`${entra.url}/v1.0/subscriptions${path}`, method, body, token);

const admin = (method: string, path: string, body?: unknown) =>
  sendJson(`${entra.url}/admin${path}`, method, body);

const request = (change: Record<string, unknown> = {}) => ({
  changeType: "created,updated,deleted",
  notificationUrl: `${webhook.url}/notifications`,
  lifecycleNotificationUrl: `${webhook.url}/lifecycle`,
  resource: "/me/events",
  expirationDateTime: fromNow(4000),
  clientState: "secret-of-the-subscription",
  ...change,
});

async function subscribe(change: Record<string, unknown> = {}, token = alice) {
  const answer = await send("POST", "", request(change), token);
  expect(answer.status).toBe(201);
  return SubscriptionSchema.parse(await answer.json());
}

async function graphErrorOf(answer: Response) {
  const { error } = GraphErrorSchema.parse(await answer.json());
  return { status: answer.status, ...error };
}

describe("POST /subscriptions", () => {
  it("validates both endpoints and answers 201 with the subscription", async () => {
    const asked = request();
    const subscription = await subscribe(asked);
    expect(subscription).toEqual({
      "@odata.context": `${entra.url}/v1.0/$metadata#subscriptions/$entity`,
      id: subscription.id,
      resource: "/me/events",
      applicationId: APPLICATION.clientId,
      changeType: "created,updated,deleted",
      clientState: "secret-of-the-subscription",
      notificationUrl: `${webhook.url}/notifications`,
      notificationQueryOptions: null,
      lifecycleNotificationUrl: `${webhook.url}/lifecycle`,
      expirationDateTime: asked.expirationDateTime.replace("Z", "0000Z"),
      creatorId: ACCOUNTS.alice.profile.id,
      includeResourceData: null,
      latestSupportedTlsVersion: "v1_2",
      encryptionCertificate: null,
      encryptionCertificateId: null,
      notificationUrlAppId: null,
    });
    const paths = webhook.validations.map(({ path }) => path);
    expect(paths.toSorted()).toEqual(["/lifecycle", "/notifications"]);
    expect(webhook.validations[0]?.contentType).toBe("text/plain; charset=utf-8");
    // Needs decoding, so that an endpoint that echoes it raw is found out.
    expect(webhook.validations[0]?.query.get("validationToken")).toMatch(
      /^Validation: .+: [\w-]+$/,
    );
    expect(entra.issued()).toContainEqual({
      kind: "client_state",
      account: "alice",
      value: "secret-of-the-subscription",
    });
  });

  it("keeps the query of an endpoint, and asks twice one that is named twice", async () => {
    const url = `${webhook.url}/notifications?key=a%20b`;
    await subscribe({ notificationUrl: url, lifecycleNotificationUrl: url });
    expect(webhook.validations.map(({ query }) => query.get("key"))).toEqual(["a b", "a b"]);
  });

  it("does without a lifecycle URL, a client state and a leading slash", async () => {
    const subscription = await subscribe({
      resource: "me/events",
      lifecycleNotificationUrl: undefined,
      clientState: undefined,
    });
    expect(subscription).toMatchObject({
      resource: "me/events",
      lifecycleNotificationUrl: null,
      clientState: null,
    });
    expect(webhook.validations).toHaveLength(1);
  });

  it("lifts a lifetime of less than 45 minutes to that, and takes 4,230 at most", async () => {
    expect((await subscribe({ expirationDateTime: fromNow(1) })).expirationDateTime).toBe(
      fromNow(45).replace("Z", "0000Z"),
    );
    await subscribe({ expirationDateTime: fromNow(4230) });
    const refused = await send("POST", "", request({ expirationDateTime: fromNow(4231) }));
    expect(await graphErrorOf(refused)).toEqual({
      status: 400,
      code: "ExtensionError",
      message: "Subscription expiration can only be 4230 minutes in the future.",
    });
  });

  it.each([
    ["no notification URL", { notificationUrl: undefined }],
    ["a notification URL that is none", { notificationUrl: "notifications" }],
    ["https", { notificationUrl: "https://localhost/notifications" }],
    ["another host", { notificationUrl: "http://example.com/notifications" }],
    ["a host that looks like loopback", { notificationUrl: "http://localhost.example.com/" }],
    ["an address of the network", { notificationUrl: "http://192.168.0.1/" }],
    ["credentials in the URL", { notificationUrl: "http://me:secret@localhost/" }],
    ["another scheme", { notificationUrl: "file:///etc/passwd" }],
    ["another host for lifecycle events", { lifecycleNotificationUrl: "http://example.com/" }],
    ["no change type", { changeType: undefined }],
    ["an empty change type", { changeType: "" }],
    ["an unknown change type", { changeType: "created,read" }],
    ["no resource", { resource: undefined }],
    ["another resource", { resource: "me/messages" }],
    ["another person's calendar", { resource: `users/${ACCOUNTS.bob.profile.id}/events` }],
    ["no expiry", { expirationDateTime: undefined }],
    ["an expiry that is no time", { expirationDateTime: "tomorrow" }],
    ["an expiry in the past", { expirationDateTime: "2020-01-01T00:00:00Z" }],
    ["a client state of 129 characters", { clientState: "x".repeat(129) }],
    ["resource data, which would have to be encrypted", { includeResourceData: true }],
    ["a property that is not known", { mood: "good" }],
  ])("refuses %s, and calls nobody", async (_what, change) => {
    const refused = await send("POST", "", request(change));
    expect(await graphErrorOf(refused)).toMatchObject({ status: 400, code: "InvalidRequest" });
    expect(webhook.validations).toEqual([]);
    expect(entra.subscriptions()).toEqual([]);
  });

  it("refuses a body that is no JSON", async () => {
    const refused = await fetch(`${entra.url}/v1.0/subscriptions`, {
      method: "POST",
      headers: { authorization: `Bearer ${alice}` },
      body: "nonsense",
    });
    expect(await graphErrorOf(refused)).toMatchObject({ status: 400, code: "BadRequest" });
  });

  it("takes a client state of 128 characters", async () => {
    await subscribe({ clientState: "x".repeat(128) });
  });

  it("needs a token with Calendars.Read", async () => {
    const { access_token: token } = await signIn(entra, "bob", {
      scope: "openid offline_access User.Read",
    });
    const refused = await send("POST", "", request(), token);
    expect(await graphErrorOf(refused)).toMatchObject({ status: 403, code: "ExtensionError" });
    expect((await send("POST", "", request(), "no-token")).status).toBe(401);
    expect(webhook.validations).toEqual([]);
  });
});

const echo = (token: string | null, change: Partial<Exclude<Reply, string>>): Reply => ({
  status: 200,
  type: "text/plain; charset=utf-8",
  body: token ?? "",
  ...change,
});

describe("the validation of an endpoint", () => {
  it.each<[string, (token: string | null) => Reply, string]>([
    ["another status", (token) => echo(token, { status: 202 }), "HTTP status code is '202'"],
    ["a redirect", (token) => echo(token, { status: 307, location: "/other" }), "code is '307'"],
    ["HTML", (token) => echo(token, { type: "text/html" }), "content type must be text/plain"],
    ["JSON", (token) => echo(token, { body: JSON.stringify(token) }), "must exactly match"],
    [
      "the token as it was sent",
      (token) => echo(token, { body: encodeURIComponent(token ?? "") }),
      "must exactly match",
    ],
    ["more than the token", (token) => echo(token, { body: `${token}\n` }), "must exactly match"],
    ["a text without end", () => "endless", "must exactly match"],
    ["a cut connection", () => "cut", "cannot be reached"],
  ])("fails with %s", async (_what, reply, message) => {
    webhook.reply((path, token) =>
      path === "/lifecycle" ? reply(token) : properReply(path, token),
    );
    const refused = await graphErrorOf(await send("POST", "", request()));
    expect(refused).toMatchObject({ status: 400, code: "ValidationError" });
    expect(refused.message).toContain(message);
    expect(entra.subscriptions()).toEqual([]);
  });

  it("fails where nobody listens", async () => {
    const refused = await send("POST", "", request({ notificationUrl: closedPort }));
    expect((await graphErrorOf(refused)).message).toContain("cannot be reached");
  });

  it("fails after ten seconds without an answer", async () => {
    webhook.reply(() => "never");
    const answer = send("POST", "", request());
    await time.sleepingFor(10_000);
    time.advance(10_000);
    expect(await graphErrorOf(await answer)).toEqual({
      status: 400,
      code: "ValidationError",
      message: "Subscription validation request timed out.",
    });
  });
});

describe("a subscription", () => {
  it("is shown to the person and the application that made it, alone and in a list", async () => {
    const subscription = await subscribe();
    const shown: unknown = await (await send("GET", `/${subscription.id}`)).json();
    expect(shown).toEqual(subscription);
    const list = z
      .object({ value: z.array(SubscriptionSchema) })
      .parse(await (await send("GET", "")).json());
    expect(list.value.map(({ id }) => id)).toEqual([subscription.id]);
    const empty: unknown = await (await send("GET", "", undefined, bob)).json();
    expect(empty).toMatchObject({ value: [] });
  });

  it("is renewed by PATCH", async () => {
    const { id } = await subscribe({ expirationDateTime: fromNow(60) });
    const expirationDateTime = fromNow(4200);
    const renewed = await send("PATCH", `/${id}`, { expirationDateTime });
    expect(renewed.status).toBe(200);
    expect(await renewed.json()).toMatchObject({
      id,
      expirationDateTime: expirationDateTime.replace("Z", "0000Z"),
    });
  });

  it.each([
    ["beyond the limit", { expirationDateTime: fromNow(5000) }],
    ["into the past", { expirationDateTime: "2020-01-01T00:00:00Z" }],
    ["by nothing", {}],
    ["with another URL", { expirationDateTime: fromNow(100), notificationUrl: "http://localhost" }],
  ])("is not renewed %s", async (_what, body) => {
    const { id } = await subscribe();
    expect((await send("PATCH", `/${id}`, body)).status).toBe(400);
  });

  it("keeps its expiry when it is reauthorized", async () => {
    const { id, expirationDateTime } = await subscribe();
    const answer = await send("POST", `/${id}/reauthorize`);
    expect([answer.status, await answer.text()]).toEqual([204, ""]);
    expect(await (await send("GET", `/${id}`)).json()).toMatchObject({ expirationDateTime });
  });

  it("ends with DELETE", async () => {
    const { id } = await subscribe();
    expect((await send("DELETE", `/${id}`)).status).toBe(204);
    expect((await send("DELETE", `/${id}`)).status).toBe(404);
    expect(entra.subscriptions()).toEqual([]);
  });

  it.each([
    ["GET", ""],
    ["PATCH", ""],
    ["POST", "/reauthorize"],
    ["DELETE", ""],
  ])("is not found by others: %s %s", async (method, action) => {
    const { id } = await subscribe();
    const body = method === "PATCH" ? { expirationDateTime: fromNow(100) } : undefined;
    const refused = await send(method, `/${id}${action}`, body, bob);
    expect(await graphErrorOf(refused)).toEqual({
      status: 404,
      code: "ResourceNotFound",
      message: "The object was not found.",
    });
    expect(entra.subscriptions()).toHaveLength(1);
  });

  it("is gone when it has expired", async () => {
    const { id } = await subscribe({ expirationDateTime: fromNow(45) });
    time.advance(45 * MINUTE_MS);
    expect(entra.subscriptions()).toEqual([]);
    const fresh = (await signIn(entra, "alice")).access_token;
    expect((await send("GET", `/${id}`, undefined, fresh)).status).toBe(404);
    expect(webhook.pending).toBe(0);
  });
});

describe("the switches", () => {
  it.each([403, 429, 500, 503] as const)(
    "let Graph refuse a subscription with %i",
    async (status) => {
      entra.set({ subscribeFault: status, retryAfterSeconds: 9 });
      const refused = await send("POST", "", request());
      const mayRetry = status === 429 || status === 503;
      expect(refused.headers.get("retry-after")).toBe(mayRetry ? "9" : null);
      expect((await graphErrorOf(refused)).status).toBe(status);
      expect(webhook.validations).toEqual([]);
      entra.set({ subscribeFault: null });
      await subscribe();
    },
  );

  it.each([403, 404, 429, 503] as const)("let a renewal fail with %i", async (status) => {
    const { id } = await subscribe();
    entra.set({ renewFault: status });
    const body = { expirationDateTime: fromNow(100) };
    expect((await send("PATCH", `/${id}`, body)).status).toBe(status);
    expect((await send("POST", `/${id}/reauthorize`)).status).toBe(status);
    expect((await send("GET", `/${id}`)).status).toBe(200);
  });

  it("know no other status", () => {
    expect(() => entra.set({ subscribeFault: 418 as 403 })).toThrow("graph-faults.ts");
  });
});

describe("the admin endpoints", () => {
  it("list everybody's subscriptions, and let one expire without a word", async () => {
    const first = await subscribe();
    const second = await subscribe({}, bob);
    const list: unknown = await (await admin("GET", "/subscriptions")).json();
    expect(list).toMatchObject([
      {
        id: first.id,
        account: "alice",
        notificationUrl: `${webhook.url}/notifications`,
        authorizedAt: time.now().toISOString(),
      },
      { id: second.id, account: "bob" },
    ]);
    expect((await admin("DELETE", `/subscriptions/${first.id}`)).status).toBe(204);
    expect((await admin("DELETE", `/subscriptions/${first.id}`)).status).toBe(404);
    expect(entra.subscriptions().map(({ id }) => id)).toEqual([second.id]);
    expect((await send("GET", `/${first.id}`)).status).toBe(404);
  });

  it("forget all of them with a reset, and what would have awoken for them", async () => {
    await subscribe();
    await subscribe({}, bob);
    expect(time.sleeping).toBe(2);
    await admin("POST", "/reset");
    expect(await (await admin("GET", "/subscriptions")).json()).toEqual([]);
    expect(time.sleeping).toBe(0);
  });

  it("leave nothing behind after many subscriptions have come and gone", async () => {
    for (let cycle = 0; cycle < 100; cycle += 1) {
      const { id } = await subscribe();
      await send("POST", `/${id}/reauthorize`);
      await send("DELETE", `/${id}`);
    }
    expect(entra.subscriptions()).toEqual([]);
    expect(time.sleeping).toBe(0);
  });
});
