import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AccountBrowser } from "../support/account-browser.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";
import { approve, pickAccount } from "../support/sign-in.ts";
import { parseForm, UserAgent } from "../support/user-agent.ts";

// The Functions host lets callers write the trigger metadata, and the library makes `request.headers` of it. Each
// case sends one thing over the wire and claims another, through the built server in the local Functions host.

interface Call {
  readonly method: string;
  readonly path: string;
  /** Over the wire. */
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** From where on this machine. */
  readonly from?: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

const EVIL = "https://evil.example";
const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";

let stack: LocalStack;
let token: string;
/** What the consent page posts when its person says yes, from an attacker's own page. */
let consent: string;

beforeAll(async () => {
  stack = await startLocalStack();
  const client = new OAuthTestClient(stack.baseUrl, fetch);
  token = (await client.tokens("alice", { resource: stack.baseUrl })).access_token;
  const page = await new UserAgent().get(client.authorizationUrl());
  const { fields } = parseForm(await page.text());
  consent = new URLSearchParams({ ...fields, decision: "approve" }).toString();
});
afterAll(() => stack.stop());

/** @returns The head of the answer, and its body where it is not a stream. */
function send(call: Call, url = stack.baseUrl): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = { ...call.headers };
  if (call.body !== undefined) headers["content-length"] = String(Buffer.byteLength(call.body));
  const request = httpRequest(new URL(url), {
    method: call.method,
    path: call.path,
    headers,
    agent: false,
    host: "127.0.0.1",
    ...(call.from !== undefined && { localAddress: call.from }),
  });
  request.on("error", reject);
  request.on("response", (response) => {
    const status = response.statusCode ?? 0;
    if (response.headers["content-type"] === "text/event-stream") {
      resolve({ status, body: "" });
      response.destroy();
      return;
    }
    let body = "";
    response.setEncoding("utf8").on("data", (text: string) => (body += text));
    response.on("end", () => resolve({ status, body }));
  });
  request.end(call.body);
  return promise;
}

function cookieHeader(agent: UserAgent): string {
  return [...agent.cookies(stack.baseUrl)].map(([name, value]) => `${name}=${value}`).join("; ");
}

function withQuery(call: Call, query: string): Call {
  return { ...call, path: `${call.path}${call.path.includes("?") ? "&" : "?"}${query}` };
}

const encoded = (headers: object) => encodeURIComponent(JSON.stringify(headers));

/** The ways in which a query claims headers. */
const CLAIMS: readonly [string, (headers: object) => string][] = [
  ["?Headers=", (headers) => `Headers=${encoded(headers)}`],
  ["?headers=", (headers) => `headers=${encoded(headers)}`],
  ["?HEADERS=", (headers) => `HEADERS=${encoded(headers)}`],
  ["an encoded name", (headers) => `%48%65aders=${encoded(headers)}`],
  ["a repeated parameter", (headers) => `Headers=x&headers=y&Headers=${encoded(headers)}`],
  ["names in capitals", (headers) => `Headers=${encoded(inCapitals(headers))}`],
];

const inCapitals = (headers: object) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));

type Case = [what: string, call: () => Call, claimed: () => object, status: number];

const bearer = () => ({ authorization: `Bearer ${token}` });
const mcpCall = (headers: Record<string, string>): Call => ({
  method: "POST",
  path: "/mcp",
  headers: {
    "content-type": JSON_TYPE,
    accept: `${JSON_TYPE}, text/event-stream`,
    ...headers,
  },
  body: JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "t", version: "1" },
    },
  }),
});
const post = (
  path: string,
  type: string,
  body: string,
  headers: Record<string, string> = {},
): Call => ({
  method: "POST",
  path,
  headers: { "content-type": type, ...headers },
  body,
});
const registration = JSON.stringify({ redirect_uris: [REDIRECT_URI], client_name: "Test" });

const CASES: readonly Case[] = [
  ["a strange Host", () => ({ method: "GET", path: "/health", headers: { host: "evil.example" } }), () => ({ host: "localhost" }), 403], // prettier-ignore
  ["our own Host", () => ({ method: "GET", path: "/health" }), () => ({ host: "evil.example" }), 200], // prettier-ignore
  ["a strange Origin", () => ({ method: "OPTIONS", path: "/mcp", headers: { origin: EVIL } }), () => ({}), 403], // prettier-ignore
  ["no Origin", () => ({ method: "OPTIONS", path: "/mcp" }), () => ({ origin: EVIL }), 204],
  ["no token at /sse", () => ({ method: "GET", path: "/sse" }), bearer, 401],
  ["a token at /sse", () => ({ method: "GET", path: "/sse", headers: bearer() }), () => ({}), 200],
  ["no token at /mcp", () => mcpCall({}), bearer, 401],
  ["a token at /mcp", () => mcpCall(bearer()), () => ({}), 200],
  ["no token at /message", () => post("/message?connection=x", JSON_TYPE, "{}"), bearer, 401],
  ["no token at /publish", () => post("/publish", JSON_TYPE, "[]"), bearer, 401],
  ["another type at /notifications", () => post("/notifications", "text/plain", "{}"), () => ({ "content-type": JSON_TYPE }), 415], // prettier-ignore
  ["another type at /register", () => post("/register", "text/plain", registration), () => ({ "content-type": JSON_TYPE }), 415], // prettier-ignore
  ["the type at /register", () => post("/register", JSON_TYPE, registration), () => ({ "content-type": "text/plain" }), 201], // prettier-ignore
  ["another type at /token", () => post("/token", "text/plain", "grant_type=x"), () => ({ "content-type": FORM }), 415], // prettier-ignore
  ["another type at /revoke", () => post("/revoke", "text/plain", "token=x"), () => ({ "content-type": FORM }), 415], // prettier-ignore
  ["another site at /consent", () => post("/consent", FORM, consent, { "sec-fetch-site": "cross-site", origin: EVIL }), () => ({ "sec-fetch-site": "same-origin", "content-type": FORM }), 403], // prettier-ignore
  ["another site at /account", () => post("/account", FORM, "action=end-all", { "sec-fetch-site": "cross-site", origin: EVIL }), () => ({ "sec-fetch-site": "same-origin", "content-type": FORM }), 403], // prettier-ignore
];

describe.each(CASES)(
  "with %s over the wire, the handler sees just that",
  (_what, call, claimed, status) => {
    it("whoever claims nothing", async () => {
      expect((await send(call())).status).toBe(status);
    });

    it.each(CLAIMS)("with %s", async (_how, claim) => {
      expect((await send(withQuery(call(), claim(claimed())))).status).toBe(status);
    });
  },
);

describe("a member of a JSON body that claims headers", () => {
  const claims: [string, object][] = [
    ["Headers", { "content-type": "text/plain", authorization: "Bearer x", host: "evil.example" }],
    ["headers", {}],
    ["HEADERS", { "bad name": "x" }],
  ];

  it.each(claims)("is ignored in a registration (RFC 7591 §2): %s %j", async (name, headers) => {
    const body = JSON.stringify({ ...(JSON.parse(registration) as object), [name]: headers });
    const answer = await send(post("/register", JSON_TYPE, body));
    expect(answer.status).toBe(201);
    expect(answer.body.toLowerCase()).not.toContain("headers");
  });

  it.each(claims)(
    "opens nothing without a token, and shuts nothing with one: %s %j",
    async (name) => {
      const anonymous = mcpCall({});
      const claiming = (call: Call): Call => ({
        ...call,
        body: JSON.stringify({ ...(JSON.parse(call.body ?? "") as object), [name]: bearer() }),
      });
      expect((await send(claiming(anonymous))).status).toBe(401);
      expect((await send(claiming(mcpCall(bearer())))).status).toBe(
        // JSON-RPC knows no such member, with or without the host.
        (await send({ ...mcpCall(bearer()), body: claiming(anonymous).body ?? "" })).status,
      );
    },
  );

  it("opens no other endpoint, whatever the media type: a form that is JSON is no form", async () => {
    const body = JSON.stringify({
      Headers: { "sec-fetch-site": "same-origin", "content-type": FORM },
    });
    const site = { "sec-fetch-site": "cross-site", origin: EVIL };
    for (const type of [FORM, "text/plain"]) {
      expect((await send(post("/consent", type, body, site))).status).toBe(
        type === FORM ? 400 : 415,
      );
    }
  });
});

describe("metadata of which the library could make no request", () => {
  const odd = [
    `Headers=${encoded({ "bad name": "x" })}`,
    `Headers=${encoded({ ok: "a\nb" })}`,
    `Headers=${encoded({ ok: "\u20ac" })}`,
    `Headers=${encoded({ "": "x" })}`,
    `Headers=${encoded([["a"]])}`,
    `Headers=${encoded([1, 2])}`,
    "Headers=null",
    "Headers=5",
    "Headers=%7B",
    "Headers",
    "Query=x&query=y",
    "req=x&$request=x&sys=x&__proto__=x&constructor=x&toString=x",
    "=x",
  ];

  it.each(odd)("leaves nobody without an answer: ?%s", async (query) => {
    const calls: Call[] = [
      { method: "GET", path: "/health" },
      { method: "GET", path: "/.well-known/oauth-authorization-server" },
      mcpCall(bearer()),
    ];
    for (const call of calls) expect((await send(withQuery(call, query))).status).toBe(200);
    const refused = post("/token", FORM, "grant_type=x");
    expect((await send(withQuery(refused, query))).status).toBe((await send(refused)).status);
  });

  it.each(["x:99999", "user@localhost", "a b", "[::1", "%zz"])(
    "is not made of the Host either: %j is refused, and answered",
    async (host) => {
      const { status } = await send({ method: "GET", path: "/health", headers: { host } });
      // 500 is the host's own answer, before the app.
      expect([400, 403, 500]).toContain(status);
    },
  );
});

describe("what is claimed", () => {
  it("is logged, without what it says", async () => {
    const before = stack.log.length;
    await send({ method: "GET", path: `/health?Headers=${encoded({ cookie: "c00kie" })}` });
    const body = JSON.stringify({ Headers: { cookie: "c00kie" } });
    await send(post("/register", JSON_TYPE, body));
    await expect
      .poll(() => stack.log.slice(before).filter((line) => line.includes("headers-ignored")).length)
      .toBe(2);
    expect(stack.log.slice(before).join()).not.toContain("c00kie");
  });

  it("is not said of those who claim nothing", async () => {
    const before = stack.log.length;
    await send(mcpCall(bearer()));
    await send(post("/register", JSON_TYPE, registration));
    await send({ method: "GET", path: "/health?header=x" });
    expect(stack.log.slice(before).join()).not.toContain("headers-ignored");
  });
});

describe("a cookie that is claimed", () => {
  it("finishes no sign-in of somebody else's (session fixation)", async () => {
    const client = await new OAuthTestClient(stack.baseUrl, fetch).register();
    const attacker = new UserAgent();
    const entraUrl = await approve(attacker, client.authorizationUrl());
    const callback = await pickAccount(new UserAgent(), entraUrl, "alice");
    callback.searchParams.append("Headers", JSON.stringify({ cookie: cookieHeader(attacker) }));
    const { status } = await send({ method: "GET", path: callback.pathname + callback.search });
    expect(status).toBe(400);
  });

  it("opens nobody's account page", async () => {
    const owner = await new AccountBrowser({ baseUrl: stack.baseUrl, fetch }).signIn("alice");
    const cookie = cookieHeader(owner.agent);
    const own = await send({ method: "GET", path: "/account", headers: { cookie } });
    expect(own.body).toContain("Sign out");
    const path = `/account?Headers=${encoded({ cookie })}`;
    expect((await send({ method: "GET", path })).body).not.toContain("Sign out");
  });
});

describe("an address that is claimed", () => {
  it("gives no one a new count, and takes no one else's", async () => {
    const few = await startLocalStack({ env: { RATE_LIMIT_FACTOR: "0.02" } });
    try {
      const statuses: number[] = [];
      for (let n = 0; n < 40; n++) {
        const address = `203.0.113.${n}`;
        const claimed = { "x-forwarded-for": address, "client-ip": address };
        const path = `/callback?state=x&Headers=${encoded(claimed)}`;
        statuses.push((await send({ method: "GET", path, headers: claimed }, few.baseUrl)).status);
      }
      expect(statuses.slice(0, 24)).toEqual(Array.from({ length: 24 }, () => 400));
      expect(statuses.slice(24)).toEqual(Array.from({ length: 16 }, () => 429));
      const other = { method: "GET", path: "/callback?state=x", from: "127.0.0.2" };
      expect((await send(other, few.baseUrl)).status).toBe(400);
    } finally {
      await few.stop();
    }
  });
});
