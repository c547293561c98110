import { describe, expect, it } from "vitest";
import { createApp } from "../../shared/app.ts";
import { systemRandom } from "../../shared/random.ts";
import { answerTo, expectPage } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { createContext } from "../support/request-context.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { recordedLog } from "../support/recorded-log.ts";
import { holdsEvery } from "../support/rules.ts";
import { approve, pickAccount } from "../support/sign-in.ts";
import { type Fetch, location, parseForm, UserAgent } from "../support/user-agent.ts";

/** MCP security best practices 2025-11-25, "confused deputy": a proxy in front of a static upstream client. */
const RULES = {
  consentFirst: "asks for consent before anything is sent to Entra",
  everyClient: "asks again for another client, in the browser that has just approved one",
  changedRedirect: "asks again for a changed redirect URI",
  remembered:
    "asks a browser no more about a client that its person has had remembered, a native one too (deviates from RFC 8252 §8.6: ADR 6)",
  shows: "shows the client's name, the host it returns to and the scopes",
  warnsLoopback: "warns where a client can be any program of this computer, and only there",
  noScript: "shows a client's own claims as text",
  csrf: "takes the answer only from its own page in the person's own browser",
  boundToClient: "approves the client that was shown, whatever else the form says",
  notFramed: "cannot be put into a frame",
  noOpener: "sets no Cross-Origin-Opener-Policy, which would cut off a client's popup",
  stateRandom: "sends Entra a random state that is not the client's",
  stateAfterApproval:
    "sets the sign-in's cookie right before the redirect, and not before approval",
  sameBrowser: "finishes only in the browser that approved, and another one does not use it up",
  singleUse: "takes a state once",
  tenMinutes: "takes a state for ten minutes",
} as const;

const facade = useFacade();
const open = (agent: UserAgent, changes: Record<string, string | undefined> = {}) =>
  agent.get(facade.client.authorizationUrl(changes));
const signInCookies = (agent: UserAgent) =>
  [...agent.cookies(facade.app.baseUrl).keys()].filter((name) => name.includes("sign-in"));
const toCallback = async (agent: UserAgent) =>
  pickAccount(agent, await approve(agent, facade.client.authorizationUrl()), "alice");

holdsEvery("A proxy in front of Entra (confused deputy)", RULES, {
  async consentFirst() {
    await expectPage(await open(facade.browser()), 200);
    expect(facade.entra.requests()).toEqual({});
  },
  async everyClient() {
    const agent = facade.browser();
    await agent.get(await toCallback(agent));
    const stranger = await facade.stranger();
    await expectPage(await agent.get(stranger.authorizationUrl()), 200);
    await expectPage(await open(agent), 200);
  },
  async changedRedirect() {
    const agent = facade.browser();
    await agent.get(await toCallback(agent));
    const page = await expectPage(
      await open(agent, { redirect_uri: "http://localhost:9/callback" }),
      200,
    );
    expect(page).toContain("localhost:9");
  },
  async remembered() {
    const agent = facade.browser();
    const { action, fields } = parseForm(await (await open(agent)).text());
    const approval = { ...fields, decision: "approve", remember: "yes" };
    await agent.post(new URL(action, facade.app.baseUrl), approval);
    const again = (site: string, client = facade.client) =>
      agent.get(client.authorizationUrl(), { "sec-fetch-site": site });
    expect(location(await again("none")).origin).toBe(facade.entra.url);
    await expectPage(await again("cross-site"), 200);
    await expectPage(await again("none", await facade.stranger()), 200);
  },
  async shows() {
    await facade.client.register({
      client_name: "Weather",
      redirect_uris: ["https://app.example:8443/cb"],
    });
    const page = await expectPage(
      await open(facade.browser(), {
        redirect_uri: "https://app.example:8443/cb",
        scope: "user.read",
      }),
      200,
    );
    expect(page).toContain("<bdi>Weather</bdi>");
    expect(page).toContain("<bdi>app.example:8443</bdi>");
    expect(page).toContain("Read your profile");
    expect(page).not.toContain("Read your calendar");
  },
  async warnsLoopback() {
    const warning = "This app runs on this computer.";
    expect(await expectPage(await open(facade.browser()), 200)).toContain(warning);
    await facade.client.register({ redirect_uris: ["https://app.example/cb"] });
    const changes = { redirect_uri: "https://app.example/cb" };
    expect(await expectPage(await open(facade.browser(), changes), 200)).not.toContain(warning);
  },
  async noScript() {
    await facade.client.register({ client_name: `"><script>alert(1)</script>` });
    const response = await open(facade.browser());
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await expectPage(response, 200)).not.toContain("<script");
  },
  async csrf() {
    const { fields } = parseForm(await (await open(facade.browser())).text());
    const victim = facade.browser();
    await open(victim);
    const consent = `${facade.app.baseUrl}/consent`;
    const approval = { ...fields, decision: "approve" };
    await expectPage(await victim.post(consent, approval), 403);
    const crossSite = { "sec-fetch-site": "cross-site" };
    await expectPage(await victim.post(consent, approval, crossSite), 403);
  },
  async boundToClient() {
    const stranger = await facade.stranger();
    const agent = facade.browser();
    const { fields } = parseForm(await (await open(agent)).text());
    const more = { client_id: stranger.id, redirect_uri: "https://evil.example/", state: "evil" };
    const consent = `${facade.app.baseUrl}/consent`;
    const answer = await agent.post(consent, { ...fields, ...more, decision: "approve" });
    const callback = await pickAccount(agent, location(answer), "alice");
    const { code = "", state } = answerTo(REDIRECT_URI, await agent.get(callback));
    expect(state).toBe("the-state");
    expect((await facade.client.redeem(code)).status).toBe(200);
  },
  async notFramed() {
    const { headers } = await open(facade.browser());
    expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("referrer-policy")).toBe("same-origin");
  },
  async noOpener() {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    for (const response of [
      await open(agent),
      await facade.get("/callback"),
      await agent.get(callback),
    ]) {
      expect(response.headers.has("cross-origin-opener-policy")).toBe(false);
    }
  },
  async stateRandom() {
    const urls = [
      await approve(facade.browser(), facade.client.authorizationUrl()),
      await approve(facade.browser(), facade.client.authorizationUrl()),
    ];
    const states = urls.map((url) => url.searchParams.get("state") ?? "");
    expect(new Set(states).size).toBe(2);
    for (const state of states) expect(state).toMatch(/^[0-9a-z]+\.[\w-]{43}$/);
  },
  async stateAfterApproval() {
    const agent = facade.browser();
    const { fields } = parseForm(await (await open(agent)).text());
    expect(signInCookies(agent)).toEqual([]);
    const consent = `${facade.app.baseUrl}/consent`;
    await agent.post(consent, { ...fields, decision: "deny" });
    expect(signInCookies(agent)).toEqual([]);
    await agent.post(consent, { ...fields, decision: "approve" });
    expect(signInCookies(agent)).toHaveLength(1);
  },
  async sameBrowser() {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    await expectPage(await facade.browser().get(callback), 400);
    expect(answerTo(REDIRECT_URI, await agent.get(callback))).toHaveProperty("code");
  },
  async singleUse() {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    const cookies = [...agent.cookies(facade.app.baseUrl)];
    await agent.get(callback);
    for (const [name, value] of cookies) agent.cookies(facade.app.baseUrl).set(name, value);
    await expectPage(await agent.get(callback), 400);
  },
  async tenMinutes() {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    facade.app.clock.advance({ seconds: 600 });
    await expectPage(await agent.get(callback), 400);
  },
});

describe("The cookies of a public installation (RFC 6265bis §4.1.3.2)", () => {
  it("are __Host-, Secure, HttpOnly and SameSite=Lax; development has names of its own", async () => {
    const { app, clock, store } = facade.app;
    const config = { ...app.config, baseUrl: "https://mcp.example.com", loopback: false };
    const { log } = recordedLog();
    const { handlers } = createApp(config, { store, clock, random: systemRandom, log });
    const context = { ...createContext("r").context, log };
    const fetch: Fetch = (url, init) => {
      const handler = new URL(url).pathname === "/consent" ? handlers.consent : handlers.authorize;
      return handler(new Request(url, init), context);
    };
    const agent = new UserAgent(fetch);
    const { search } = facade.client.authorizationUrl({ resource: undefined });
    const page = await agent.get(`https://mcp.example.com/authorize${search}`);
    const { fields } = parseForm(await page.clone().text());
    const answer = await agent.post("https://mcp.example.com/consent", {
      ...fields,
      decision: "approve",
    });
    const attributes = "Path=/; HttpOnly; Secure; SameSite=Lax";
    expect(page.headers.getSetCookie()).toEqual([
      expect.stringMatching(`^__Host-csrf=[\\w-]{43}; Max-Age=3600; ${attributes}$`),
    ]);
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(`^__Host-sign-in-[\\w-]{16}=[\\w.-]+; Max-Age=600; ${attributes}$`),
    ]);
    const local = (await open(facade.browser())).headers.getSetCookie().join();
    expect(local).toMatch(/^dev-csrf=/);
    expect(local).not.toContain("Secure");
  });
});
