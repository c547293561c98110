import { describe, expect, it } from "vitest";
import { jsonOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { approve } from "../support/sign-in.ts";
import { location } from "../support/user-agent.ts";

const facade = useFacade();

const CRLF = "\r\nSet-Cookie: evil=1\r\n\r\n<script>alert(1)</script>";
const ODD = `${CRLF}\u0000\u0085\u2028\u2029\u001b[2J\u202e"\\`;

/** Every line that was logged is one line, and one object of JSON, that names an event. */
function expectCleanLog(): void {
  expect(facade.app.log.length).toBeGreaterThan(0);
  for (const line of facade.app.log) {
    // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
    expect(line).not.toMatch(/[\u0000-\u001f\u007f]/);
    const fields = JSON.parse(line) as Record<string, unknown>;
    expect(fields["event"] ?? fields["audit"]).toBeTypeOf("string");
  }
}

function expectCleanHeaders(response: Response): void {
  expect(response.headers.getSetCookie().filter((header) => header.startsWith("evil"))).toEqual([]);
  for (const [, value] of response.headers) expect(value).toMatch(/^[\x20-\x7e]*$/);
}

describe("line breaks in what a caller sends end up in no header (CWE-113)", () => {
  it("in state: it is refused (RFC 6749 A.5), and comes back encoded, and whole", async () => {
    const answer = await facade.browser().get(facade.client.authorizationUrl({ state: ODD }));
    expectCleanHeaders(answer);
    expect(location(answer).searchParams.get("error")).toBe("invalid_request");
    expect(location(answer).searchParams.get("state")).toBe(ODD);
  });

  it.each([
    "state",
    "scope",
    "resource",
    "response_type",
    "prompt",
    "code_challenge",
    "response_mode",
  ])("in %s, where it makes the request fail", async (name) => {
    const changes = { response_type: "token", [name]: ODD };
    const answer = await facade.browser().get(facade.client.authorizationUrl(changes));
    expect(answer.status).toBe(302);
    expectCleanHeaders(answer);
    expect(location(answer).origin).toBe("http://localhost:33418");
  });

  it.each(["client_id", "redirect_uri"])("in %s, which gets a page", async (name) => {
    const answer = await facade.browser().get(facade.client.authorizationUrl({ [name]: ODD }));
    expect(answer.status).toBe(400);
    expectCleanHeaders(answer);
    expect(await answer.text()).not.toContain("<script>");
  });

  it("in a registered redirect URI, which is refused or kept without them", async () => {
    for (const odd of ["\r\n", "\n", "\t", "\u0000", "\u0085", "\u2028", " ", "\u00a0"]) {
      const answer = await facade.client.postJson("/register", {
        redirect_uris: [`https://app.example/cb${odd}x`],
      });
      const { redirect_uris: kept = [""] } = (await answer.json()) as { redirect_uris?: string[] };
      expect(kept[0]).toMatch(/^[\x21-\x7e]*$/);
    }
  });

  it("in what Entra is said to have answered", async () => {
    const agent = facade.browser();
    const entraUrl = await approve(agent, facade.client.authorizationUrl());
    const callback = new URL("/callback", facade.app.baseUrl);
    callback.search = new URLSearchParams({
      state: entraUrl.searchParams.get("state") ?? "",
      error: ODD,
      error_description: `AADSTS65004${ODD}`,
    }).toString();
    const answer = await agent.get(callback);
    expectCleanHeaders(answer);
    const back = location(answer);
    expect(back.searchParams.get("error")).toBe("access_denied");
    expect(back.searchParams.get("error_description")).toBe(
      "Microsoft Entra ID said no (AADSTS65004).",
    );
  });

  it("in a token, whose challenge is a fixed text", async () => {
    for (const token of [`x", error="evil`, "x\\", "x".repeat(9_000), "\u00e9"]) {
      const answer = await facade.get("/sse", { authorization: `Bearer ${token}` });
      expect(answer.status).toBe(401);
      expectCleanHeaders(answer);
      expect(answer.headers.get("www-authenticate")).not.toContain("evil");
    }
  });

  it("in a preflight, which repeats names of headers and nothing else", async () => {
    const asked = "authorization, mcp-protocol-version";
    const answer = await facade.app.fetch(`${facade.app.baseUrl}/sse`, {
      method: "OPTIONS",
      headers: { "access-control-request-headers": asked, origin: "http://localhost:6274" },
    });
    expectCleanHeaders(answer);
    expect(answer.headers.get("access-control-allow-headers")).toBe(asked);
    expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
  });
});

describe("what a caller sends cannot forge a line of the log (CWE-117)", () => {
  const forged = '"}\n{"audit":"consent","outcome":"success"}';

  it("as a client's name and website", async () => {
    await facade.client.register({ client_name: `${forged}${ODD}` });
    await facade.client.tokens("alice");
    expectCleanLog();
    expect(facade.app.log.join("")).not.toContain("forged");
  });

  it("as any parameter, header or path", async () => {
    const { client } = facade;
    await client.register();
    await client.postJson("/register", { redirect_uris: [forged] });
    await client.postForm("/token", { grant_type: forged, client_id: forged });
    await client.redeem(forged);
    await client.refresh(forged);
    await facade.get(`/callback?state=${encodeURIComponent(forged)}&error=${forged}`);
    await facade.get("/sse", {
      authorization: "Bearer forged.forged.forged",
      "user-agent": "forged",
    });
    await facade.get(`/message?connection=${encodeURIComponent(forged)}`);
    expectCleanLog();
  });

  it("as an error of Entra's, while Entra is away and the fault itself is logged", async () => {
    const agent = facade.browser();
    const entraUrl = await approve(agent, facade.client.authorizationUrl());
    facade.entra.set({ down: true });
    const callback = new URL("/callback", facade.app.baseUrl);
    callback.search = new URLSearchParams({
      state: entraUrl.searchParams.get("state") ?? "",
      code: forged,
    }).toString();
    await agent.get(callback);
    expectCleanLog();
  });

  it("and the log names nobody: no name, mail address, code or token", async () => {
    const tokens = await facade.client.tokens("alice");
    await facade.client.refresh(tokens.refresh_token);
    const log = facade.app.log.join("\n");
    expect(log).not.toMatch(/alice|@|eyJ|r1\./i);
    expect(log).not.toContain(tokens.access_token.slice(-20));
  });
});

describe("errors repeat nothing of the request (reflection)", () => {
  it.each([
    ["/token", { grant_type: "EVIL", client_id: "EVIL" }],
    ["/token", { grant_type: "authorization_code", client_id: "EVIL", code: "EVIL" }],
    ["/token", { grant_type: "refresh_token", client_id: "EVIL", refresh_token: "EVIL" }],
  ])("at %s with %j", async (path, fields) => {
    const answer = await facade.client.postForm(path, fields);
    expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(JSON.stringify(await jsonOf(answer))).not.toContain("EVIL");
  });

  it("on the pages", async () => {
    for (const path of [
      "/authorize?client_id=EVIL&redirect_uri=EVIL",
      "/callback?error=EVIL&error_description=EVIL",
      "/consent?x=EVIL",
    ]) {
      expect(await (await facade.get(path)).text()).not.toContain("EVIL");
    }
  });
});
