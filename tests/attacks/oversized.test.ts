import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { useFacade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";

const facade = useFacade();

const LIMIT = 64 * 1024;
const FORM = "application/x-www-form-urlencoded";

/** A body that comes in pieces, without a Content-Length. */
function chunked(
  size: number,
  fill = "a",
): { body: ReadableStream<Uint8Array>; sent: () => number } {
  let left = size;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const bytes = Buffer.from(fill.repeat(Math.min(left, 4_096)));
      left -= bytes.length;
      if (bytes.length > 0) controller.enqueue(bytes);
      else controller.close();
    },
  });
  return { body, sent: () => size - left };
}

interface Upload {
  readonly type: string;
  readonly body: BodyInit;
  readonly headers?: Record<string, string>;
}

function send(path: string, { type, body, headers = {} }: Upload): Promise<Response> {
  const init = { method: "POST", headers: { "content-type": type, ...headers }, body };
  return facade.app.fetch(new URL(path, facade.app.baseUrl), {
    ...init,
    duplex: "half",
  } as RequestInit);
}

/** After whatever was sent, the server serves. */
async function expectServing(): Promise<void> {
  expect((await facade.get("/health")).status).toBe(200);
  expect(facade.app.log.filter((line) => line.includes("request-failed"))).toEqual([]);
}

describe("a body larger than 64 KiB is 413 (CWE-400)", () => {
  const endpoints = [
    ["/token", FORM],
    ["/consent", FORM],
    ["/register", "application/json"],
  ] as const;

  it.each(endpoints)("at %s, one byte too many", async (path, type) => {
    const exact = await send(path, { type, body: "a".repeat(LIMIT) });
    const over = await send(path, { type, body: "a".repeat(LIMIT + 1) });
    expect(exact.status).not.toBe(413);
    expect(over.status).toBe(413);
    await expectServing();
  });

  it.each(endpoints)(
    "at %s, in chunks without a length, of which no more is read",
    async (path, type) => {
      const { body, sent } = chunked(64 * LIMIT);
      expect((await send(path, { type, body })).status).toBe(413);
      expect(sent()).toBeLessThan(2 * LIMIT);
      await expectServing();
    },
  );

  it.each(endpoints)("at %s, under a length that lies", async (path, type) => {
    for (const length of ["1", "0", "-1", "NaN", "1e1", " 5", "0x10"]) {
      const { body } = chunked(4 * LIMIT);
      const headers = { "content-length": length };
      expect((await send(path, { type, body, headers })).status).toBe(413);
    }
    const claimed = { "content-length": String(10 * LIMIT) };
    expect((await send(path, { type, body: "a=1", headers: claimed })).status).toBe(413);
    await expectServing();
  });

  it("measured in bytes, not in characters", async () => {
    const body = "\u{1f642}".repeat(LIMIT / 4 + 1);
    expect((await send("/register", { type: "application/json", body })).status).toBe(413);
  });
});

describe("a body in another wrapping is refused, not unpacked", () => {
  it("a bomb: what gzip makes of it is no form and no JSON", async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(LIMIT);
    for (const [path, type] of [
      ["/token", FORM],
      ["/register", "application/json"],
    ] as const) {
      const headers = { "content-encoding": "gzip" };
      expect((await send(path, { type, body: bomb, headers })).status).toBe(400);
    }
    await expectServing();
  });

  it.each([
    ["UTF-16 bytes", Buffer.from("grant_type=refresh_token", "utf16le"), FORM],
    ["UTF-16 with its mark", Buffer.from("\ufeffgrant_type=x", "utf16le"), FORM],
    ["Latin-1 bytes", Buffer.from("grant_type=\u00e9", "latin1"), FORM],
    ["an overlong encoding of a slash", Buffer.from([0x61, 0x3d, 0xc0, 0xaf]), FORM],
    ["half of a surrogate pair", Buffer.from([0x61, 0x3d, 0xed, 0xa0, 0x80]), FORM],
    [
      "a charset that we do not read",
      Buffer.from("grant_type=\u00e9", "latin1"),
      `${FORM}; charset=latin1`,
    ],
  ])("%s is 400", async (_what, body, type) => {
    expect((await send("/token", { type, body })).status).toBe(400);
    await expectServing();
  });

  it.each([
    "",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/json",
    "application/x-www-form-urlencodedx",
    "*/*",
  ])("a form as %j is 415", async (type) => {
    const body = `grant_type=refresh_token&client_id=${facade.client.id}`;
    expect((await send("/token", { type, body })).status).toBe(415);
  });

  it("an upload that breaks off is 400", async () => {
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error("the network went away"));
      },
    });
    expect((await send("/token", { type: FORM, body })).status).toBe(400);
    await expectServing();
  });
});

describe("everything else that can be made long", () => {
  it("ten thousand parameters are one answer", async () => {
    const crowd = Array.from({ length: 10_000 }, (_, n) => `p${n}`).join("&");
    expect((await send("/token", { type: FORM, body: crowd })).status).toBe(400);
    await facade.get(`/authorize?${crowd}`);
    await expectServing();
  });

  it.each([
    ["a scope of many names", { scope: Array(20_000).fill("mcp").join(" ") }, 200],
    ["a scope of one long name", { scope: "x".repeat(100_000) }, 200],
    ["a resource", { resource: `http://localhost:7071/${"x".repeat(100_000)}` }, 302],
    ["a challenge", { code_challenge: "x".repeat(100_000) }, 302],
    ["a client id", { client_id: "x".repeat(100_000) }, 400],
    ["a redirect URI", { redirect_uri: `${REDIRECT_URI}/${"x".repeat(100_000)}` }, 400],
  ])(
    "%s of a hundred thousand characters at /authorize is answered",
    async (_what, changes, status) => {
      const answer = await facade.browser().get(facade.client.authorizationUrl(changes));
      expect(answer.status).toBe(status);
      expect((answer.headers.get("location") ?? "").length).toBeLessThan(1_000);
      await expectServing();
    },
  );

  it("a state that is too long comes back once, in an error", async () => {
    const state = "s".repeat(4_097);
    const answer = await facade.browser().get(facade.client.authorizationUrl({ state }));
    expect(answer.headers.get("location")).toContain("error=invalid_request");
    expect((answer.headers.get("location") ?? "").length).toBeLessThan(state.length + 1_000);
  });

  it.each([
    ["code", { code: "1".repeat(60_000) }],
    ["verifier", { code_verifier: "v".repeat(60_000) }],
    ["redirect URI", { redirect_uri: "https://x/".padEnd(60_000, "x") }],
  ])("a %s of sixty thousand characters at /token is 400", async (_what, changes) => {
    const code = await facade.client.code("alice");
    expect((await facade.client.redeem(code, changes)).status).toBe(400);
    expect((await facade.client.redeem(code)).status).toBe(200);
    await expectServing();
  });

  it.each(["r1".padEnd(60_000, "."), `r1.${"x".repeat(50_000)}.a.b.1.c.d`, ".".repeat(60_000)])(
    "a refresh token of many characters or parts is invalid_grant",
    async (token) => {
      expect((await facade.client.refresh(token)).status).toBe(400);
      await expectServing();
    },
  );

  it.each([
    ["21 redirect URIs", { redirect_uris: Array.from({ length: 21 }, (_, n) => `https://a/${n}`) }],
    ["a redirect URI of 2,049 characters", { redirect_uris: ["https://a/".padEnd(2_049, "x")] }],
    ["a name of 201 characters", { client_name: "x".repeat(201) }],
    ["no redirect URI", { redirect_uris: [] }],
  ])("a registration with %s is 400", async (_what, metadata) => {
    const body = { redirect_uris: [REDIRECT_URI], ...metadata };
    expect((await facade.client.postJson("/register", body)).status).toBe(400);
  });

  it("headers of a hundred thousand characters are no fault of ours", async () => {
    const long = "x".repeat(100_000);
    for (const headers of [
      { authorization: `Bearer ${long}` },
      { cookie: `dev-csrf=${long}` },
      { origin: `https://${long}` },
      { "x-forwarded-for": `${long}, 10.0.0.1` },
      { "sec-fetch-site": long },
    ] as Record<string, string>[]) {
      await facade.get("/sse", headers);
      await facade.get("/authorize", headers);
      await facade.get("/callback", headers);
    }
    await expectServing();
  });

  it("a message of more than 4 MiB is 413, and the session goes on", async () => {
    const { access_token } = await facade.client.tokens();
    const authorization = `Bearer ${access_token}`;
    const answer = await send("/message?connection=x", {
      type: "application/json",
      body: chunked(5 * 1024 * 1024).body,
      headers: { authorization },
    });
    expect(answer.status).toBe(413);
    expect(await facade.sseStatus(access_token)).toBe(200);
  });

  it("a message of a stranger is not even read", async () => {
    const { body, sent } = chunked(5 * 1024 * 1024);
    const answer = await send("/message?connection=x", { type: "application/json", body });
    expect(answer.status).toBe(401);
    expect(sent()).toBeLessThan(64 * 1024);
  });
});
