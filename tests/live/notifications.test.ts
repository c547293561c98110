import { gzipSync } from "node:zlib";
import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { CALENDAR_URI } from "../../shared/features/upcoming-events.ts";
import { watchKey, WatchRows, type WatchRow } from "../../shared/live/watch-rows.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { HOME_TENANT } from "../../tools/entra/directory.ts";
import { useFacade } from "../support/facade.ts";
import { EventStream } from "../support/open-stream.ts";
import { OutageStore } from "../support/outage-store.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { sha256 } from "../../shared/digest.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";

const facade = useFacade();

const SECRET = "s".repeat(43);

let store: OutageStore;
let app: TestApp;
let stream: EventStream;
let row: WatchRow;
let clientState: string;
beforeEach(async () => {
  store = new OutageStore(new MemoryStore());
  app = createTestApp({ entraUrl: facade.entra.url, store });
  const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
  const scope = "mcp user.read calendar.read";
  const { access_token: token } = await client.tokens("alice", { scope });
  stream = await EventStream.open(app, token);
  // The address at which this app is known listens to nobody: the watch is written by hand.
  const key = watchKey(decodeJwt(token).sub ?? "", CALENDAR_URI);
  const rows = new WatchRows({ store });
  const written = await rows.insert(key, {
    uri: CALENDAR_URI,
    sessionId: String(decodeJwt(token)["sid"]),
    tenantId: HOME_TENANT.id,
    sourceId: "subscription-1",
    expiresAt: Date.now() + 3_600_000,
    secretHash: sha256(SECRET),
    version: 1,
    startingUntil: 0,
    unheldSince: 0,
    dueAt: Date.now() + 3_600_000,
    needsToken: false,
  });
  if (written === undefined) throw new Error("not written");
  row = written;
  clientState = `${SECRET}.${key.partition}.${key.row}`;
  await stream.post({
    jsonrpc: "2.0",
    id: "s",
    method: "resources/subscribe",
    params: { uri: CALENDAR_URI },
  });
  await stream.next();
});

const entry = (changes: Record<string, unknown> = {}) => ({
  subscriptionId: "subscription-1",
  clientState,
  changeType: "updated",
  resource: "Users/x/Events/y",
  tenantId: HOME_TENANT.id,
  ...changes,
});

const notify = (body: unknown, query = "", type = "application/json") => {
  // What a stream needs, and the types of Node do not know.
  const streaming = { duplex: "half" };
  return app.fetch(new URL(`/notifications${query}`, app.baseUrl), {
    method: "POST",
    headers: { "content-type": type },
    body: toBody(body),
    ...streaming,
  });
};

function toBody(body: unknown): BodyInit {
  if (body instanceof Uint8Array) return new Uint8Array(body);
  return typeof body === "string" || body instanceof ReadableStream ? body : JSON.stringify(body);
}

const version = async () => (await new WatchRows({ store }).find(row.key))?.value.version;

const audited = () => app.log.filter((line) => line.includes('"notified"'));

describe("POST /notifications", () => {
  it("tells the subscriber, once for many entries about one thing", async () => {
    const response = await notify({ value: Array.from({ length: 50 }, () => entry()) });
    expect(response.status).toBe(202);
    expect(await response.text()).toBe("");
    expect(await stream.next()).toMatchObject({ params: { uri: CALENDAR_URI } });
    expect(await version()).toBe(2);
  });

  it("answers the validation handshake with the token, as text that no browser runs", async () => {
    const token = "<script>alert(1)</script>&+ü";
    const response = await notify("", `?validationToken=${encodeURIComponent(token)}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(token);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  it.each([
    ["with line breaks", "validationToken=a%0D%0ASet-Cookie:%20b", "a\r\nSet-Cookie: b"],
    ["with spaces, in either way of a URL", "validationToken=Validation:+a%20b", "Validation: a b"],
    ["that comes twice", "validationToken=first&validationToken=second", "first"],
    ["of bytes that are no text", "validationToken=%FF", "\uFFFD"],
  ])("answers a validation token %s", async (_, query, expected) => {
    const response = await notify("", `?${query}`);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(expected);
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  it("reads nothing else where it is asked to validate", async () => {
    const response = await notify({ value: [entry()] }, "?validationToken=token");
    expect(await response.text()).toBe("token");
    expect(await version()).toBe(1);
  });

  it("validates nothing that a browser could be sent to", async () => {
    const url = new URL("/notifications?validationToken=token", app.baseUrl);
    const response = await app.fetch(url);
    expect(response.status).toBe(405);
    expect(await response.text()).not.toContain("token");
  });

  it("takes no validation token of any length", async () => {
    const response = await notify("", `?validationToken=${"x".repeat(3_000)}`);
    expect(response.status).toBe(400);
  });

  it.each([
    ["another secret", { clientState: "" }],
    ["no secret", { clientState: undefined }],
    ["a secret that is too long", { clientState: "x".repeat(200) }],
    ["a secret of another form", { clientState: "a/b/../c" }],
    ["another subscription", { subscriptionId: "subscription-2" }],
    ["another tenant", { tenantId: "11111111-2222-4333-8444-555555555555" }],
    ["no subscription", { subscriptionId: undefined }],
  ])("is answered like any other and changes nothing with %s", async (_, changes) => {
    const forged = "clientState" in changes && changes.clientState === "";
    const state = forged ? clientState.replaceAll("s".repeat(43), "t".repeat(43)) : undefined;
    const body = {
      value: [entry({ ...changes, ...(state !== undefined && { clientState: state }) })],
    };
    expect((await notify(body)).status).toBe(202);
    expect(await version()).toBe(1);
    expect(audited().at(-1)).toContain('"denied"');
  });

  it("listens to the good entries beside the forged ones", async () => {
    const value = [entry({ clientState: "forged" }), entry(), 7, null, {}];
    expect((await notify({ value })).status).toBe(202);
    expect(await version()).toBe(2);
  });

  it("writes one line about a post, however many entries are forged: a log is not to be filled from outside", async () => {
    expect((await notify({ value: Array.from({ length: 1_000 }, () => 0) })).status).toBe(202);
    expect(audited()).toHaveLength(1);
    expect(audited()[0]).toContain('"reason":"unknown: 1000"');
  });

  it.each([
    ["no JSON", "{"],
    ["no collection", {}],
    ["nothing", ""],
    ["no list", { value: { 0: entry(), length: 1 } }],
    ["what is nested too deep", "[".repeat(500_000)],
    ["bytes that are no UTF-8", new Uint8Array([0x7b, 0xff, 0x7d])],
    ["what is compressed", gzipSync('{"value":[]}')],
    ["more than a thousand", { value: Array.from({ length: 1_001 }, () => entry()) }],
  ])("refuses %s", async (_, body) => {
    expect((await notify(body)).status).toBe(400);
  });

  it("refuses what is larger than a mebibyte", async () => {
    expect((await notify({ value: [entry({ resource: "x".repeat(1_100_000) })] })).status).toBe(
      413,
    );
  });

  it("refuses a body without an end, and reads no more of it than it has to", async () => {
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    expect((await notify(endless)).status).toBe(413);
    expect(sent).toBeLessThan(2_000_000);
  });

  it("refuses another media type", async () => {
    expect((await notify({ value: [entry()] }, "", "text/plain")).status).toBe(415);
    expect(await version()).toBe(1);
  });

  it("takes what is nested deep inside an entry for what it is: nothing of ours", async () => {
    const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
    const value = JSON.stringify(entry()).replace(
      '"changeType"',
      `"resourceData":${deep},"changeType"`,
    );
    expect((await notify(`{"value":[${deep},${value}]}`)).status).toBe(202);
    expect(await version()).toBe(2);
  });

  it("is 503 while storage is away, so that Graph tells again, and takes it then", async () => {
    store.down = true;
    const response = await notify({ value: [entry()] });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).not.toBeNull();
    store.down = false;
    expect((await notify({ value: [entry()] })).status).toBe(202);
    expect(await version()).toBe(2);
  });

  it("writes no secret to the log", async () => {
    await notify({ value: [entry()] });
    expect(app.log.join("\n")).not.toContain(SECRET);
  });
});
