import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import type { OAuthTestClient } from "../support/oauth-client.ts";

const facade = useFacade();

let other: OAuthTestClient;
let alice: TokenResponse;
let bob: TokenResponse;

beforeEach(async () => {
  other = await facade.stranger();
  alice = await facade.client.tokens("alice");
  bob = await other.tokens("bob");
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

async function expectBothUnharmed(): Promise<void> {
  expect(await facade.sseStatus(alice.access_token)).toBe(200);
  expect(await facade.sseStatus(bob.access_token)).toBe(200);
  expect((await facade.client.refresh(alice.refresh_token)).status).toBe(200);
  expect((await other.refresh(bob.refresh_token)).status).toBe(200);
}

/** Opens a stream. @returns The path that it names, and its way to end. */
async function openStream(token: string): Promise<{ path: string; close: () => Promise<void> }> {
  const response = await facade.get("/sse", bearer(token));
  const reader = response.body?.getReader();
  const chunk = new TextDecoder().decode((await reader?.read())?.value);
  const path = /data: (\S+)/.exec(chunk)?.[1] ?? "";
  return { path, close: async () => reader?.cancel() };
}

function message(path: string, token: string, body: unknown = PING): Promise<Response> {
  return facade.app.fetch(new URL(path, facade.app.baseUrl), {
    method: "POST",
    headers: { "content-type": "application/json", ...bearer(token) },
    body: JSON.stringify(body),
  });
}

const PING = { jsonrpc: "2.0", id: 1, method: "ping" };

describe("a token of one person, client or purpose in the place of another (RFC 9700 §2.3, §4.10)", () => {
  it("bob's access token on alice's connection is 404, as if it were not there", async () => {
    const { path, close } = await openStream(alice.access_token);
    const unknown = await message("/message?connection=AAAAAAAAAAAAAAAAAAAAAA", bob.access_token);
    const taken = await message(path, bob.access_token);
    expect(taken.status).toBe(404);
    expect((await taken.json()) as object).toEqual({
      ...((await unknown.json()) as object),
      error: expect.objectContaining({ code: -32_600 }) as object,
    });
    expect((await message(path, alice.access_token)).status).toBe(202);
    await close();
  });

  it("alice's token of another client on her connection is 404: a connection is a session's", async () => {
    const { path, close } = await openStream(alice.access_token);
    const hers = await (await facade.stranger()).tokens("alice");
    expect(decodeJwt(hers.access_token).sub).toBe(decodeJwt(alice.access_token).sub);
    expect((await message(path, hers.access_token)).status).toBe(404);
    await close();
  });

  it("a connection id alone opens nothing", async () => {
    const { path, close } = await openStream(alice.access_token);
    const url = new URL(path, facade.app.baseUrl);
    const answer = await facade.app.fetch(url, { method: "POST", body: JSON.stringify(PING) });
    expect(answer.status).toBe(401);
    await close();
  });

  it("a refresh token of one client at another is invalid_grant, and still good at its own (RFC 9700 §4.14)", async () => {
    expect(await refusalOf(await other.refresh(alice.refresh_token))).toBe("400 invalid_grant");
    expect(await refusalOf(await facade.client.refresh(bob.refresh_token))).toBe(
      "400 invalid_grant",
    );
    await expectBothUnharmed();
  });

  it("a replaced refresh token at another client does not end the session: only its own client's reuse does", async () => {
    const next = (await (await facade.client.refresh(alice.refresh_token)).json()) as TokenResponse;
    facade.app.clock.advance({ seconds: 3_600 });
    expect(await refusalOf(await other.refresh(alice.refresh_token))).toBe("400 invalid_grant");
    expect((await facade.client.refresh(next.refresh_token)).status).toBe(200);
  });

  it("a refresh token put together from two names neither session", async () => {
    const hers = alice.refresh_token.split(".");
    const his = bob.refresh_token.split(".");
    for (let n = 0; n < hers.length; n++) {
      const mixed = hers.map((part, at) => (at === n ? (his[n] ?? "") : part)).join(".");
      if (mixed === alice.refresh_token) continue;
      expect(await refusalOf(await facade.client.refresh(mixed))).toBe("400 invalid_grant");
      expect(await refusalOf(await other.refresh(mixed))).toBe("400 invalid_grant");
    }
    await expectBothUnharmed();
  });

  it.each([
    ["a generation ahead", 4, "2s"],
    ["a generation behind", 4, "0"],
    ["a negative generation", 4, "-1"],
    ["another version", 0, "r2"],
    ["a key id of an object", 1, "__proto__"],
  ])(
    "a refresh token changed to %s was not issued here, and ends nothing",
    async (_how, at, part) => {
      const parts = alice.refresh_token.split(".");
      parts[at] = part;
      expect(await refusalOf(await facade.client.refresh(parts.join(".")))).toBe(
        "400 invalid_grant",
      );
      await expectBothUnharmed();
    },
  );

  it("an access token is no refresh token, no code and no client; nor the other way round", async () => {
    const code = await facade.client.code("alice");
    for (const wrong of [alice.access_token, code, facade.client.id]) {
      expect(await refusalOf(await facade.client.refresh(wrong))).toBe("400 invalid_grant");
    }
    for (const wrong of [alice.access_token, alice.refresh_token, facade.client.id]) {
      expect(await refusalOf(await facade.client.redeem(wrong))).toBe("400 invalid_grant");
    }
    for (const wrong of [alice.refresh_token, code, facade.client.id]) {
      expect(await facade.sseStatus(wrong)).toBe(401);
    }
    const { sub = "" } = decodeJwt(alice.access_token);
    for (const wrong of [alice.access_token, sub, "*", "../clients", `${facade.client.id} `]) {
      const answer = await facade.client.refresh(alice.refresh_token, { client_id: wrong });
      expect(await refusalOf(answer)).toBe("401 invalid_client");
    }
    await expectBothUnharmed();
  });
});

describe("a token for one resource at another (RFC 8707 §2, RFC 9700 §2.3)", () => {
  it("a grant for /sse gives no token for the server, at the code or at any refresh", async () => {
    for (const resource of [facade.app.baseUrl, `${facade.app.baseUrl}/`, "https://evil.example"]) {
      const answer = await facade.client.refresh(alice.refresh_token, { resource });
      expect(await refusalOf(answer)).toBe("400 invalid_target");
    }
    await expectBothUnharmed();
  });

  it("a token for the server is good at /sse, one for /sse says only /sse", async () => {
    const whole = await (await facade.stranger()).tokens("alice", { resource: undefined });
    expect(decodeJwt(whole.access_token).aud).toBe(facade.app.baseUrl);
    expect(await facade.sseStatus(whole.access_token)).toBe(200);
    expect(decodeJwt(alice.access_token).aud).toBe(`${facade.app.baseUrl}/sse`);
  });

  it.each([
    ["a fragment", "/sse#x"],
    ["a query", "/sse?x"],
    ["a slash at the end", "/sse/"],
    ["capitals", "/SSE"],
    ["an encoded letter", "/%73se"],
    ["a path below", "/sse/more"],
    ["a path beside", "/message"],
    ["an encoded dot segment that stays", "/x/..%2fsse"],
  ])("a resource with %s is none of ours", async (_trick, path) => {
    const resource = `${facade.app.baseUrl}${path}`;
    const answer = await facade.client.refresh(alice.refresh_token, { resource });
    expect(await refusalOf(answer)).toBe("400 invalid_target");
  });

  it.each([
    "http://user@localhost:7071/sse",
    "http://127.0.0.1:7071/sse",
    "https://localhost:7071/sse",
    "http://localhost:7071.evil.example/sse",
    "http://localhost/sse",
    "//localhost:7071/sse",
  ])("the resource %s is none of ours", async (resource) => {
    const answer = await facade.client.refresh(alice.refresh_token, { resource });
    expect(await refusalOf(answer)).toBe("400 invalid_target");
  });
});

describe("scopes do not grow (RFC 6749 §6)", () => {
  it("not at a refresh, not by asking again, not by writing them oddly", async () => {
    const narrow = await facade.stranger();
    const { refresh_token } = await narrow.tokens("alice", { scope: "mcp" });
    const asked = ["mcp user.read", "user.read", "calendar.read mcp", "mcp  user.read", "MCP\tmcp"];
    for (const scope of asked) {
      expect(await refusalOf(await narrow.refresh(refresh_token, { scope }))).toBe(
        "400 invalid_scope",
      );
    }
    const answer = (await (await narrow.refresh(refresh_token)).json()) as TokenResponse;
    expect(answer.scope).toBe("mcp");
  });

  it("a narrowed token does not get its scopes back from a retry of the same refresh", async () => {
    const first = await facade.client.refresh(alice.refresh_token, { scope: "mcp" });
    const narrowed = (await first.json()) as TokenResponse;
    expect(narrowed.scope).toBe("mcp");
    const wide = { scope: "mcp user.read calendar.read" };
    const retried = await facade.client.refresh(alice.refresh_token, wide);
    expect(((await retried.json()) as TokenResponse).scope).toBe("mcp");
  });
});

describe("where a token may stand (OAuth 2.1 §5.1.1)", () => {
  it("not in the query or the body, where logs and caches see it", async () => {
    const { access_token: token } = alice;
    for (const name of ["access_token", "token", "authorization"]) {
      expect((await facade.get(`/sse?${name}=${token}`)).status).toBe(401);
    }
    const cookie = `access_token=${token}; authorization=Bearer ${token}`;
    expect((await facade.get("/sse", { cookie })).status).toBe(401);
  });

  it.each([
    ["no scheme", (token: string) => token],
    ["Basic", (token: string) => `Basic ${token}`],
    ["DPoP", (token: string) => `DPoP ${token}`],
    ["quotation marks", (token: string) => `Bearer "${token}"`],
    ["two tokens", (token: string) => `Bearer ${token}, Bearer ${token}`],
    ["a parameter", (token: string) => `Bearer token=${token},x=1`],
    ["a tab", (token: string) => `Bearer\t${token}`],
    ["text behind it", (token: string) => `Bearer ${token} x`],
    ["text before it", (token: string) => `x Bearer ${token}`],
  ])("not with %s", async (_how, header) => {
    const answer = await facade.get("/sse", { authorization: header(alice.access_token) });
    expect(answer.status).toBe(401);
    await expectBothUnharmed();
  });
});
