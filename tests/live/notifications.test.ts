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

const notify = (body: unknown, query = "") =>
  app.fetch(new URL(`/notifications${query}`, app.baseUrl), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

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

  it.each([
    ["no JSON", "{"],
    ["no collection", {}],
    ["more than a thousand", { value: Array.from({ length: 1_001 }, () => entry()) }],
  ])("refuses %s", async (_, body) => {
    expect((await notify(body)).status).toBe(400);
  });

  it("refuses what is larger than a mebibyte", async () => {
    expect((await notify({ value: [entry({ resource: "x".repeat(1_100_000) })] })).status).toBe(
      413,
    );
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
