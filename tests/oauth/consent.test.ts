import { describe, expect, it } from "vitest";
import { answerTo, expectPage } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { pickAccount } from "../support/sign-in.ts";
import { location, parseForm, type UserAgent } from "../support/user-agent.ts";

const facade = useFacade();

/** Opens the consent page in a browser. @returns The form's hidden fields. */
async function openForm(
  agent: UserAgent,
  changes: Record<string, string | undefined> = {},
): Promise<Readonly<Record<string, string>>> {
  const page = await agent.get(facade.client.authorizationUrl(changes));
  return parseForm(await expectPage(page, 200)).fields;
}

const answer = (
  agent: UserAgent,
  fields: Readonly<Record<string, string>>,
  headers: Record<string, string> = {},
  decision = "approve",
) => agent.post(`${facade.app.baseUrl}/consent`, { ...fields, decision }, headers);

const isRedirectToEntra = (response: Response) =>
  response.status === 303 && location(response).origin === facade.entra.url;

describe("POST /consent", () => {
  it("redirects to Entra with a state, a nonce and a challenge of ours", async () => {
    const agent = facade.browser();
    const response = await answer(agent, await openForm(agent));
    expect(response.status).toBe(303);
    expect(response.headers.get("cache-control")).toBe("no-store");
    const parameters = location(response).searchParams;
    expect(parameters.get("redirect_uri")).toBe(`${facade.app.baseUrl}/callback`);
    expect(parameters.get("code_challenge_method")).toBe("S256");
    expect(parameters.get("code_challenge")).not.toBe(facade.client.challenge);
    expect(parameters.get("state")).not.toBe("the-state");
    expect(parameters.get("nonce")).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(parameters.has("resource")).toBe(false);
    expect(parameters.has("prompt")).toBe(false);
  });

  it("does not hand on the client's prompt and resource to Entra", async () => {
    const agent = facade.browser();
    const fields = await openForm(agent, { prompt: "consent", resource: facade.app.baseUrl });
    const { searchParams } = location(await answer(agent, fields));
    expect([searchParams.has("prompt"), searchParams.has("resource")]).toEqual([false, false]);
  });

  it("tells the client access_denied when the person says no (RFC 6749 §4.1.2.1)", async () => {
    const agent = facade.browser();
    const response = await answer(agent, await openForm(agent), {}, "deny");
    expect(answerTo(REDIRECT_URI, response)).toMatchObject({
      error: "access_denied",
      state: "the-state",
      iss: facade.app.baseUrl,
    });
    expect(facade.entra.requests()).not.toHaveProperty("authorize");
  });

  it("answers a form that is posted twice with a redirect both times, and both lead in", async () => {
    const agent = facade.browser();
    const fields = await openForm(agent);
    const first = location(await answer(agent, fields));
    const second = location(await answer(agent, fields));
    expect(first.searchParams.get("state")).not.toBe(second.searchParams.get("state"));
    for (const url of [first, second]) {
      const callback = await pickAccount(agent, url, "alice");
      expect(answerTo(REDIRECT_URI, await agent.get(callback))).toHaveProperty("code");
    }
  });

  it("answers 503 with Retry-After while Entra is away, and works when it is back", async () => {
    const agent = facade.browser();
    const fields = await openForm(agent);
    facade.entra.set({ down: true });
    const response = await answer(agent, fields);
    await expectPage(response, 503);
    expect(response.headers.get("retry-after")).toBe("5");
    facade.entra.set({ down: false });
    expect(isRedirectToEntra(await answer(agent, fields))).toBe(true);
  });
});

describe("the form of /consent", () => {
  it("is good for ten minutes", async () => {
    const agent = facade.browser();
    const fields = await openForm(agent);
    facade.app.clock.advance({ seconds: 599 });
    expect(isRedirectToEntra(await answer(agent, fields))).toBe(true);
    facade.app.clock.advance({ seconds: 1 });
    await expectPage(await answer(agent, fields), 400);
  });

  it.each([0, 1, 2, 3])("is refused when part %i of it was changed", async (part) => {
    const agent = facade.browser();
    const parts = (await openForm(agent))["request"]?.split(".") ?? [];
    expect(parts).toHaveLength(4);
    const tampered = parts.map((text, n) =>
      n === part ? (text.startsWith("A") ? "B" : "A") + text.slice(1) : text,
    );
    await expectPage(await answer(agent, { request: tampered.join(".") }), 400);
  });

  it.each([
    ["empty", ""],
    ["text", "hello"],
    ["dots", "...."],
    [
      "a JWE of somebody else",
      "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoieCJ9.AAAA.AAAA.AAAA",
    ],
    ["an unsecured JWE", "eyJhbGciOiJub25lIn0.AAAA.AAAA.AAAA"],
    ["a header that is no JSON", "AAAA.AAAA.AAAA.AAAA"],
  ])("is refused when its request is %s", async (_what, request) => {
    const agent = facade.browser();
    await openForm(agent);
    await expectPage(await answer(agent, { request }), 400);
  });

  it("is refused without a request and without a decision", async () => {
    const agent = facade.browser();
    const fields = await openForm(agent);
    await expectPage(await answer(agent, {}), 400);
    await expectPage(await answer(agent, fields, {}, ""), 400);
    await expectPage(await answer(agent, fields, {}, "perhaps"), 400);
  });

  it.each([
    [400, "application/x-www-form-urlencoded", "decision=approve&decision=deny"],
    [400, "application/x-www-form-urlencoded", ""],
    [413, "application/x-www-form-urlencoded", `request=${"x".repeat(65_536)}`],
    [415, "application/json", "{}"],
    [415, "text/plain", "decision=approve"],
  ])("is a page with %i when sent as %s with a wrong body", async (status, type, body) => {
    const response = await facade.app.fetch(`${facade.app.baseUrl}/consent`, {
      method: "POST",
      headers: { "content-type": type, "sec-fetch-site": "same-origin" },
      body,
    });
    await expectPage(response, status);
  });

  it("is not shown by GET /consent", async () => {
    await expectPage(await facade.get("/consent"), 405);
  });
});

describe("the sender of /consent (RFC 6749 §10.12)", () => {
  it.each([
    ["cross-site", { "sec-fetch-site": "cross-site" }],
    ["same-site, which is a neighbour", { "sec-fetch-site": "same-site" }],
    ["none", { "sec-fetch-site": "none" }],
    [
      "cross-site under our own Origin",
      { "sec-fetch-site": "cross-site", origin: "http://localhost:7071" },
    ],
    ["another Origin", { origin: "https://evil.example" }],
    ["another port", { origin: "http://localhost:7072" }],
    ["Origin null", { origin: "null" }],
    ["an origin that may call the MCP endpoints", { origin: "http://localhost:6274" }],
  ])(
    "is refused as %s, with the right cookie too",
    async (_what, headers: Record<string, string>) => {
      const agent = facade.browser();
      const response = await answer(agent, await openForm(agent), headers);
      await expectPage(response, 403);
      expect(response.headers.getSetCookie()).toEqual([]);
    },
  );

  it.each([
    ["same-origin", { "sec-fetch-site": "same-origin" }],
    ["our own Origin", { origin: "http://localhost:7071" }],
  ])(
    "is known by %s where the browser dropped the cookie",
    async (_what, headers: Record<string, string>) => {
      const agent = facade.browser();
      const fields = await openForm(agent);
      agent.cookies(facade.app.baseUrl).clear();
      expect(isRedirectToEntra(await answer(agent, fields, headers))).toBe(true);
    },
  );

  it("needs the cookie where the browser says nothing", async () => {
    const agent = facade.browser();
    const fields = await openForm(agent);
    expect(isRedirectToEntra(await answer(agent, fields))).toBe(true);
    agent.cookies(facade.app.baseUrl).clear();
    await expectPage(await answer(agent, fields), 403);
  });

  it("is refused with the token of somebody else's page (GHSA-rww4-4w9c-7733)", async () => {
    const attackersFields = await openForm(facade.browser());
    const victim = facade.browser();
    await openForm(victim);
    await expectPage(await answer(victim, attackersFields), 403);
  });

  it("keeps the cookie over several renders, so that all of their forms are good", async () => {
    const agent = facade.browser();
    const forms = [await openForm(agent), await openForm(agent), await openForm(agent)];
    for (const fields of forms) expect(isRedirectToEntra(await answer(agent, fields))).toBe(true);
  });

  it("gets a new cookie for one that we did not make", async () => {
    const agent = facade.browser();
    const jar = agent.cookies(facade.app.baseUrl);
    jar.set("dev-csrf", "chosen-by-somebody-else");
    await openForm(agent);
    expect(jar.get("dev-csrf")).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
});
