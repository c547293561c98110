import {
  LATEST_PROTOCOL_VERSION,
  SUPPORTED_PROTOCOL_VERSIONS,
} from "@modelcontextprotocol/sdk/types.js";
import { describe, expect, it } from "vitest";
import { useFacade } from "../support/facade.ts";
import { EventStream } from "../support/event-stream.ts";
import type { Account } from "../support/sign-in.ts";
import { holdsEvery } from "../support/rules.ts";

const RULES = {
  stream: "answers GET with an event stream that no cache or proxy holds back",
  endpointFirst: "names in its first event where to post: a path of the same origin",
  accepted: "answers a POST there with 202 and no body",
  answers: "sends answers as message events, each with the id of its request",
  notification: "answers a notification with 202 and sends nothing",
  noInitialize:
    "accepts requests on a new stream without initialize, as a reconnecting client sends them",
  independent: "keeps streams of one session apart: an answer goes to the stream that was asked",
  bearerEveryTime: "wants a token with every message, also for a stream that is open",
  foreignStream: "answers 404 to somebody else's token at a stream, and delivers nothing",
  otherSession: "answers 404 to another session of the same person",
  unknownStream: "answers 404 for a stream that is not there, or ended ten seconds ago",
  badMessage: "answers 400 to what is no JSON-RPC message, 415 to another media type",
  origin: "refuses browser origins that are not allowed, on both endpoints, before anything else",
  preflight: "tells allowed origins what they may send, and exposes the challenge",
} as const;

const facade = useFacade();
const JSON_TYPE = { "content-type": "application/json" };

async function open(accessToken: string): Promise<{ stream: EventStream; endpoint: string }> {
  const response = await facade.get("/sse", { authorization: `Bearer ${accessToken}` });
  expect(response.status).toBe(200);
  const stream = new EventStream(response);
  const endpoint = (await stream.next())?.data ?? "";
  return { stream, endpoint };
}

const post = (
  endpoint: string,
  accessToken: string | undefined,
  body: unknown,
  headers: Record<string, string> = JSON_TYPE,
) =>
  facade.app.fetch(new URL(endpoint, facade.app.baseUrl), {
    method: "POST",
    headers: { ...headers, ...(accessToken && { authorization: `Bearer ${accessToken}` }) },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

const ping = (id: number | string) => ({ jsonrpc: "2.0", id, method: "ping" });
const initialize = (id: number | string, protocolVersion: string) => ({
  jsonrpc: "2.0",
  id,
  method: "initialize",
  params: { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "1" } },
});
const token = async (account: Account = "alice") =>
  (await facade.client.tokens(account)).access_token;

/** Expects that the next thing on a stream answers `id`: nothing else came before it. */
async function expectAnswer(stream: EventStream, id: number | string): Promise<unknown> {
  const event = await stream.next();
  expect(event?.event).toBe("message");
  const message: unknown = JSON.parse(event?.data ?? "null");
  expect(message).toMatchObject({ jsonrpc: "2.0", id });
  return message;
}

holdsEvery("HTTP+SSE (MCP 2024-11-05)", RULES, {
  async stream() {
    const response = await facade.get("/sse", { authorization: `Bearer ${await token()}` });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("cache-control")).toBe("no-cache, no-transform");
    await response.body?.cancel();
  },
  async endpointFirst() {
    const response = await facade.get("/sse", { authorization: `Bearer ${await token()}` });
    const stream = new EventStream(response);
    const first = await stream.next();
    expect(first?.event).toBe("endpoint");
    const url = new URL(first?.data ?? "", `${facade.app.baseUrl}/sse`);
    expect(url.origin).toBe(facade.app.baseUrl);
    expect(url.pathname).toBe("/message");
    expect(url.searchParams.get("connection")).toMatch(/^[\w-]{35}$/);
    await stream.close();
  },
  async accepted() {
    const access = await token();
    const { stream, endpoint } = await open(access);
    const response = await post(endpoint, access, ping(1));
    expect([response.status, await response.text()]).toEqual([202, ""]);
    await stream.close();
  },
  async answers() {
    const access = await token();
    const { stream, endpoint } = await open(access);
    await post(endpoint, access, initialize("a", "2024-11-05"));
    expect(await expectAnswer(stream, "a")).toMatchObject({
      result: { protocolVersion: "2024-11-05", serverInfo: {} },
    });
    await post(endpoint, access, { jsonrpc: "2.0", id: 2, method: "no/such" });
    expect(await expectAnswer(stream, 2)).toMatchObject({ error: { code: -32_601 } });
    await stream.close();
  },
  async notification() {
    const access = await token();
    const { stream, endpoint } = await open(access);
    const notification = { jsonrpc: "2.0", method: "notifications/initialized" };
    expect((await post(endpoint, access, notification)).status).toBe(202);
    await post(endpoint, access, ping(2));
    await expectAnswer(stream, 2);
    await stream.close();
  },
  async noInitialize() {
    const access = await token();
    const first = await open(access);
    await first.stream.close();
    const { stream, endpoint } = await open(access);
    await post(endpoint, access, { jsonrpc: "2.0", id: 7, method: "tools/list" });
    expect(await expectAnswer(stream, 7)).toHaveProperty("result.tools");
    await stream.close();
  },
  async independent() {
    const access = await token();
    const [one, two] = [await open(access), await open(access)];
    expect(one.endpoint).not.toBe(two.endpoint);
    await post(two.endpoint, access, ping("two"));
    await post(one.endpoint, access, ping("one"));
    await expectAnswer(one.stream, "one");
    await expectAnswer(two.stream, "two");
    await one.stream.close();
    await two.stream.close();
  },
  async bearerEveryTime() {
    const access = await token();
    const { stream, endpoint } = await open(access);
    expect((await post(endpoint, undefined, ping(1))).status).toBe(401);
    facade.app.clock.advance({ seconds: 3_600 });
    expect((await post(endpoint, access, ping(1))).status).toBe(401);
    await stream.close();
  },
  async foreignStream() {
    const access = await token();
    const { stream, endpoint } = await open(access);
    expect((await post(endpoint, await token("bob"), ping("foreign"))).status).toBe(404);
    await post(endpoint, access, ping("own"));
    await expectAnswer(stream, "own");
    await stream.close();
  },
  async otherSession() {
    const { stream, endpoint } = await open(await token());
    expect((await post(endpoint, await token(), ping(1))).status).toBe(404);
    await stream.close();
  },
  async unknownStream() {
    const access = await token();
    const { stream, endpoint } = await open(access);
    for (const gone of ["/message", "/message?connection=AAAAAAAAAAAAAAAAAAAAAA"]) {
      expect((await post(gone, access, ping(1))).status).toBe(404);
    }
    await stream.close();
    // A client that is about to come back may still post to where it was.
    expect((await post(endpoint, access, ping(2))).status).toBe(202);
    await expect.poll(async () => (await post(endpoint, access, ping(3))).status).toBe(404);
  },
  async badMessage() {
    const access = await token();
    const { stream, endpoint } = await open(access);
    for (const body of ["{", "[]", "null", "{}", { jsonrpc: "1.0", id: 1, method: "ping" }]) {
      expect((await post(endpoint, access, body)).status).toBe(400);
    }
    const text = { "content-type": "text/plain" };
    expect((await post(endpoint, access, ping(1), text)).status).toBe(415);
    await post(endpoint, access, ping(2));
    await expectAnswer(stream, 2);
    await stream.close();
  },
  async origin() {
    const access = await token();
    const { stream, endpoint } = await open(access);
    for (const origin of ["https://evil.example", "null", "http://localhost:6274.evil.example"]) {
      const authorization = `Bearer ${access}`;
      expect((await facade.get("/sse", { authorization, origin })).status).toBe(403);
      expect((await facade.get("/sse", { origin })).status).toBe(403);
      expect((await post(endpoint, access, ping(1), { ...JSON_TYPE, origin })).status).toBe(403);
    }
    const allowed = { ...JSON_TYPE, origin: "http://localhost:6274" };
    expect((await post(endpoint, access, ping(2), allowed)).status).toBe(202);
    await expectAnswer(stream, 2);
    await stream.close();
  },
  async preflight() {
    const response = await facade.app.fetch(`${facade.app.baseUrl}/message`, {
      method: "OPTIONS",
      headers: {
        origin: "http://localhost:6274",
        "access-control-request-headers": "authorization, content-type",
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe("http://localhost:6274");
    expect(response.headers.get("access-control-allow-headers")).toBe(
      "authorization, content-type",
    );
    expect(response.headers.get("access-control-expose-headers")).toContain("WWW-Authenticate");
  },
});

// MCP, lifecycle: a server answers with the revision that was asked for where it has it, or with its latest.
describe("protocol revisions", () => {
  it.each(SUPPORTED_PROTOCOL_VERSIONS)("answers initialize for %s with that revision", (version) =>
    expectRevision(version, version),
  );

  it.each(["2024-01-01", "2999-12-31", "1.0.0"])(
    "answers initialize for %s, which it does not know, with the latest",
    (version) => expectRevision(version, LATEST_PROTOCOL_VERSION),
  );
});

async function expectRevision(asked: string, answered: string): Promise<void> {
  const access = await token();
  const { stream, endpoint } = await open(access);
  expect((await post(endpoint, access, initialize(1, asked))).status).toBe(202);
  expect(await expectAnswer(stream, 1)).toMatchObject({ result: { protocolVersion: answered } });
  await stream.close();
}
