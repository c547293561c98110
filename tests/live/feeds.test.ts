import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Feeds } from "../../shared/live/feeds.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { ACCOUNTS } from "../../tools/entra/directory.ts";
import { PUBLISHER } from "../../tools/entra/service-principals.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { appToken } from "../support/app-token.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { OutageStore } from "../support/outage-store.ts";
import { type ServedApps, serveApps } from "../support/served-apps.ts";

const URI = "feed://prices";

let entra: RunningEntra;
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());

let served: ServedApps;
let publisher: string;
beforeEach(async () => {
  entra.reset();
  served = await serveApps({ entraUrl: entra.url });
  publisher = await appToken(entra, PUBLISHER);
});
afterEach(() => served.stop());

const app = (n: number) => {
  const found = served.apps[n];
  if (found === undefined) throw new Error("no such instance");
  return found;
};

async function signIn(account: "alice" | "bob" | "admin" = "alice") {
  const client = await new OAuthTestClient(app(0).baseUrl, app(0).fetch).register();
  return (await client.tokens(account)).access_token;
}

let sequence = 0;
async function publish(value: unknown, more: Record<string, unknown> = {}, n = 1) {
  sequence += 1;
  const response = await app(n).fetch(new URL("/publish", app(n).baseUrl), {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${publisher}` },
    body: JSON.stringify([{ topic: "prices", value, sequence, ...more }]),
  });
  expect(response.status).toBe(200);
}

let ids = 0;
async function ask(stream: EventStream, method: string, params: object) {
  const id = `ask-${++ids}`;
  await stream.post({ jsonrpc: "2.0", id, method, params: { ...params } });
  for (;;) {
    const message = await stream.next();
    if (message === undefined) throw new Error("the stream has ended");
    if (message["id"] === id)
      return message as { result?: Record<string, unknown>; error?: unknown };
  }
}

async function subscribed(n: number, token: string) {
  const stream = await EventStream.open(app(n), token);
  expect(await ask(stream, "resources/subscribe", { uri: URI })).toMatchObject({ result: {} });
  return stream;
}

const LIST_CHANGED = "notifications/resources/list_changed";
const updated = { method: "notifications/resources/updated", params: { uri: URI } };

const updatedMessage = { jsonrpc: "2.0", ...updated };

/** What a client is shown of feeds without knowing of any. */
async function known(stream: EventStream) {
  const { result } = await ask(stream, "resources/list", {});
  const uris = ((result?.["resources"] ?? []) as { uri: string }[]).map(({ uri }) => uri);
  const complete = await ask(stream, "completion/complete", {
    ref: { type: "ref/resource", uri: "feed://{topic}" },
    argument: { name: "topic", value: "" },
  });
  const { values } = (complete.result?.["completion"] ?? { values: [] }) as { values: string[] };
  return { listed: uris.filter((uri) => uri.startsWith("feed:")), completed: values };
}

const read = (stream: EventStream) => ask(stream, "resources/read", { uri: URI });

/** @returns What came before the answer to a ping: there is nothing else to wait for. */
async function heard(stream: EventStream): Promise<unknown[]> {
  const id = `ping-${++ids}`;
  await stream.post({ jsonrpc: "2.0", id, method: "ping" });
  const messages = [];
  for (;;) {
    const message = await stream.next();
    if (message === undefined || message["id"] === id) return messages;
    if (message?.["method"] !== LIST_CHANGED) messages.push(message);
  }
}

/** @returns The next message that is not about the list: a topic's first publication changes that as well. */
async function news(stream: EventStream) {
  for (;;) {
    const message = await stream.next();
    if (message?.["method"] !== LIST_CHANGED) return message;
  }
}

describe("a feed", () => {
  it("reaches its subscribers on every instance, and reads as it was published", async () => {
    const token = await signIn();
    const streams = [await subscribed(0, token), await subscribed(1, await signIn("bob"))];
    await publish({ eur: 12.5 });
    for (const stream of streams) {
      expect(await news(stream)).toMatchObject(updated);
      expect(await read(stream)).toMatchObject({
        result: { contents: [{ uri: URI, mimeType: "application/json", text: '{"eur":12.5}' }] },
      });
    }
    await publish("closed");
    for (const stream of streams) {
      expect(await news(stream)).toMatchObject(updated);
      expect(await read(stream)).toMatchObject({
        result: { contents: [{ mimeType: "text/plain", text: "closed" }] },
      });
    }
  });

  it("is not told to who has not subscribed", async () => {
    const stream = await EventStream.open(app(0), await signIn());
    await publish(1, {}, 0);
    expect(await heard(stream)).toEqual([]);
  });

  it("is listed and completed by its topic, once it was published", async () => {
    const stream = await EventStream.open(app(0), await signIn());
    const uris = async () => {
      const { result } = await ask(stream, "resources/list", {});
      return ((result?.["resources"] ?? []) as { uri: string }[]).map(({ uri }) => uri);
    };
    expect(await uris()).not.toContain(URI);
    expect(await read(stream)).toMatchObject({ error: { code: -32_002 } });
    await publish(1);
    expect(await stream.next()).toMatchObject({ method: LIST_CHANGED });
    expect(await uris()).toContain(URI);
    const complete = await ask(stream, "completion/complete", {
      ref: { type: "ref/resource", uri: "feed://{topic}" },
      argument: { name: "topic", value: "pr" },
    });
    expect(complete).toMatchObject({ result: { completion: { values: ["prices"] } } });
  });

  it("for one person is told to that person only, and read by nobody else", async () => {
    const alice = await subscribed(0, await signIn("alice"));
    const bob = await subscribed(0, await signIn("bob"));
    await publish("for Alice", { people: [ACCOUNTS.alice.profile.id] });
    expect(await news(alice)).toMatchObject(updated);
    expect(await read(alice)).toMatchObject({ result: { contents: [{ text: "for Alice" }] } });
    expect(await heard(bob)).toEqual([]);
    expect(await read(bob)).toMatchObject({ error: { code: -32_002 } });
    expect(JSON.stringify(await ask(bob, "resources/list", {}))).not.toContain(URI);
  });

  it("for a role is told to and read by those who have it", async () => {
    const admin = await subscribed(0, await signIn("admin"));
    const bob = await subscribed(0, await signIn("bob"));
    await publish("for admins", { requiredRole: "Mcp.Admin" });
    expect(await news(admin)).toMatchObject(updated);
    expect(await read(admin)).toMatchObject({ result: { contents: [{ text: "for admins" }] } });
    expect(await heard(bob)).toEqual([]);
    expect(await read(bob)).toMatchObject({ error: { code: -32_002 } });
  });

  it("for a role is neither listed nor completed for who lacks it, nor told as new", async () => {
    const admin = await EventStream.open(app(0), await signIn("admin"));
    const bob = await EventStream.open(app(1), await signIn("bob"));
    await publish("for admins", { requiredRole: "Mcp.Admin" });
    expect(await admin.next()).toMatchObject({ method: LIST_CHANGED });
    expect(await known(admin)).toEqual({ listed: [URI], completed: ["prices"] });
    expect(await known(bob)).toEqual({ listed: [], completed: [] });
    await publish("for all");
    // Had the first one told him, he would have heard of the list twice.
    expect(await bob.next()).toMatchObject({ method: LIST_CHANGED });
    expect(await known(bob)).toEqual({ listed: [URI], completed: ["prices"] });
    await publish("for admins again", { requiredRole: "Mcp.Admin" });
    expect(await known(bob)).toEqual({ listed: [], completed: [] });
  });

  it("is told no more to a subscriber whose role it asks for and who lacks it", async () => {
    const bob = await subscribed(0, await signIn("bob"));
    await publish("for all", {}, 0);
    expect(await news(bob)).toMatchObject(updated);
    await publish("for admins", { requiredRole: "Mcp.Admin" }, 0);
    expect(await heard(bob)).toEqual([]);
    expect(await read(bob)).toMatchObject({ error: { code: -32_002 } });
  });

  it("tells all clients of a person, each once, however often it has subscribed", async () => {
    const token = await signIn();
    const streams = [await subscribed(0, token), await subscribed(0, await signIn())];
    for (const stream of streams) await ask(stream, "resources/subscribe", { uri: URI });
    await publish(1, { people: [ACCOUNTS.alice.profile.id.toUpperCase()] }, 0);
    for (const stream of streams) expect(await heard(stream)).toEqual([updatedMessage]);
  });

  it("is heard no more after its subscription has ended, and its end can be said twice", async () => {
    const stream = await subscribed(0, await signIn());
    for (let n = 0; n < 2; n++) {
      const left = await ask(stream, "resources/unsubscribe", { uri: URI });
      expect(left).toMatchObject({ result: {} });
    }
    await publish(1, {}, 0);
    expect(await heard(stream)).toEqual([]);
  });

  it.each(["", "a/b", "a\\b", "a?b", "..", "\0", "a\n", "ü", "a".repeat(65)])(
    "cannot be called %j, and storage is not asked for it: tables have keys that they cannot take",
    async (topic) => {
      const store = new OutageStore(new MemoryStore());
      store.down = true;
      const feeds = new Feeds({ store, clock: served.clock });
      expect(await feeds.read(topic, { userKey: "alice", roles: [] })).toBeUndefined();
      const stream = await EventStream.open(app(0), await signIn());
      const uri = `feed://${encodeURIComponent(topic)}`;
      expect(await ask(stream, "resources/read", { uri })).toMatchObject({
        error: { code: -32_002 },
      });
    },
  );

  it("in a burst is told at its beginning and at its end, and ends on the last value", async () => {
    const stream = await subscribed(0, await signIn());
    for (let n = 0; n < 50; n++) await publish(n, {}, 0);
    expect(await news(stream)).toMatchObject(updated);
    const deadline = Date.now() + 5_000;
    let told = 1;
    let last = "";
    while (last !== "49" && Date.now() < deadline) {
      const { result } = await read(stream);
      last = ((result?.["contents"] ?? []) as { text: string }[])[0]?.text ?? "";
      told += (await heard(stream)).length;
    }
    expect(last).toBe("49");
    expect(told).toBeLessThan(50);
  });
});
