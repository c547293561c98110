import { parseSetCookie } from "cookie";
import { beforeEach, describe, expect, it } from "vitest";
import { expectPage } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { approve } from "../support/sign-in.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { location, parseForm, UserAgent } from "../support/user-agent.ts";

const facade = useFacade();

/** The server as the public sees it: https, `__Host-` cookies. */
let server: TestApp;
let client: OAuthTestClient;

beforeEach(async () => {
  const publicUrl = "https://mcp.example.com";
  server = createTestApp({ entraUrl: facade.entra.url, publicUrl });
  client = await new OAuthTestClient(server.baseUrl, server.fetch).register();
});

/** Begins a sign-in. @returns Where Entra would send the browser, had the person said no, and the cookies. */
async function begun(): Promise<{ callback: string; name: string; value: string }> {
  const agent = new UserAgent(server.fetch);
  const entraUrl = await approve(agent, client.authorizationUrl());
  const [bound] = [...agent.cookies(server.baseUrl)].filter(([key]) => key.includes("sign-in"));
  const [name = "", value = ""] = bound ?? [];
  const state = entraUrl.searchParams.get("state") ?? "";
  return { callback: `${server.baseUrl}/callback?error=access_denied&state=${state}`, name, value };
}

function comeBack(callback: string, cookie: string): Promise<Response> {
  return server.fetch(callback, { headers: { cookie }, redirect: "manual" });
}

describe("a neighbour on the same site that plants cookies (RFC 6265bis §8.6)", () => {
  it("cannot write ours: all have the __Host- prefix, Secure, HttpOnly, SameSite=Lax and no Domain", async () => {
    const agent = new UserAgent(server.fetch);
    const page = await agent.get(client.authorizationUrl());
    const { fields } = parseForm(await page.clone().text());
    const answer = await agent.post(`${server.baseUrl}/consent`, {
      ...fields,
      decision: "approve",
      remember: "yes",
    });
    const headers = [...page.headers.getSetCookie(), ...answer.headers.getSetCookie()];
    expect(headers).toHaveLength(3);
    for (const header of headers) {
      const cookie = parseSetCookie(header);
      expect(cookie.name).toMatch(/^__Host-/);
      expect(cookie).toMatchObject({ path: "/", secure: true, httpOnly: true, sameSite: "lax" });
      expect(cookie.domain).toBeUndefined();
      expect(cookie.maxAge).toBeGreaterThan(0);
    }
  });

  it("gets nowhere with the development names, nor with other spellings", async () => {
    const { callback, name, value } = await begun();
    const bare = name.replace("__Host-", "");
    for (const other of [
      bare,
      `dev-${bare}`,
      `__Secure-${bare}`,
      `__host-${bare}`,
      `__HOST-${bare}`,
    ]) {
      await expectPage(await comeBack(callback, `${other}=${value}`), 400);
    }
    expect(location(await comeBack(callback, `${name}=${value}`)).searchParams.get("error")).toBe(
      "access_denied",
    );
  });

  it.each([
    ["a comma in place of a semicolon", (own: string) => `x=1, ${own}`],
    [
      "a quoted neighbour that is never closed",
      (own: string) => `x="1; ${own}`.replace("; ", ";\u00a0"),
    ],
    ["our cookie inside the value of another", (own: string) => `x=${own}`],
    ["our cookie encoded", (own: string) => encodeURIComponent(own)],
    ["a name of many equals signs", (own: string) => `=${own}`],
  ])("does not smuggle our cookie in by %s", async (_trick, bend) => {
    const { callback, name, value } = await begun();
    await expectPage(await comeBack(callback, bend(`${name}=${value}`)), 400);
  });
});

describe("a tampered cookie", () => {
  it.each([
    ["empty", () => ""],
    ["cut short", (value: string) => value.slice(0, -1)],
    ["lengthened", (value: string) => `${value}A`],
    ["without its key id", (value: string) => value.split(".")[1] ?? ""],
    ["with the key id of every object", (value: string) => value.replace(/^[^.]*/, "__proto__")],
    ["with an unknown key id", (value: string) => value.replace(/^[^.]*/, "A".repeat(22))],
    ["encoded", (value: string) => `%${value}`],
    ["with a broken encoding", () => "%E0%A4%A"],
    ["very long", () => "A".repeat(100_000)],
    ["full of odd bytes", () => "\u0080\u00ff"],
  ])("of a sign-in, %s, finishes nothing and spends nothing", async (_how, bend) => {
    const { callback, name, value } = await begun();
    await expectPage(await comeBack(callback, `${name}=${bend(value)}`), 400);
    expect(location(await comeBack(callback, `${name}=${value}`)).searchParams.get("error")).toBe(
      "access_denied",
    );
  });

  it("that comes twice counts as the first one, whatever the second says", async () => {
    const { callback, name, value } = await begun();
    await expectPage(await comeBack(callback, `${name}=x; ${name}=${value}`), 400);
    expect((await comeBack(callback, `${name}=${value}; ${name}=x`)).status).toBe(302);
  });

  it.each(["", "short", "A".repeat(44), "<script>", "é", "A".repeat(42) + ";", "%41".repeat(43)])(
    "of the consent page (%j) is replaced by one of ours",
    async (value) => {
      const page = await server.fetch(client.authorizationUrl(), {
        headers: { cookie: `__Host-csrf=${encodeURIComponent(value)}` },
      });
      const set = parseSetCookie(page.headers.getSetCookie()[0] ?? "");
      expect(set.value).toMatch(/^[A-Za-z0-9_-]{43}$/);
      expect(set.value).not.toBe(value);
    },
  );

  it("named like a property of every object is nothing (prototype pollution)", async () => {
    const cookie = "__proto__=x; constructor=x; __Host-__proto__=x; toString=x; hasOwnProperty=x";
    const page = await server.fetch(client.authorizationUrl(), { headers: { cookie } });
    await expectPage(page, 200);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });

  it("jar of a thousand cookies changes nothing", async () => {
    const { callback, name, value } = await begun();
    const crowd = Array.from({ length: 1_000 }, (_, n) => `c${n}=${n}`).join("; ");
    expect((await comeBack(callback, `${crowd}; ${name}=${value}`)).status).toBe(302);
  });
});

it("the page of an error sets no cookie and takes none", async () => {
  for (const path of ["/authorize", "/consent", "/callback", "/callback?state=x"]) {
    const answer = await server.fetch(`${server.baseUrl}${path}`);
    expect(answer.headers.getSetCookie()).toEqual([]);
  }
});
