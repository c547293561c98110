import { describe, expect, it } from "vitest";
import { expectPage } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { createTestApp } from "../support/test-app.ts";
import { location, parseForm, UserAgent } from "../support/user-agent.ts";

const facade = useFacade();

const EVIL = "https://evil.example";
const CROSS_SITE = { "sec-fetch-site": "cross-site", origin: EVIL };

type Fields = Readonly<Record<string, string>>;

/** Opens the consent page. @returns What its form posts when the person says yes. */
async function consentForm(agent: UserAgent, url = facade.client.authorizationUrl()) {
  const page = await agent.get(url);
  return { ...parseForm(await page.text()).fields, decision: "approve" };
}

function post(agent: UserAgent, fields: Fields, headers: Record<string, string> = {}) {
  return agent.post(`${facade.app.baseUrl}/consent`, fields, headers);
}

/** Nothing was begun: no redirect, no cookie of a sign-in. */
async function expectRefused(agent: UserAgent, answer: Response, status = 403): Promise<void> {
  expect(answer.headers.getSetCookie()).toEqual([]);
  await expectPage(answer, status);
  const names = [...agent.cookies(facade.app.baseUrl).keys()];
  expect(names.filter((name) => name.includes("sign-in") || name.includes("consents"))).toEqual([]);
}

describe("an attacker's site that posts a consent form through the victim's browser begins no sign-in", () => {
  it("with the form of its own page and its own token (GHSA-rww4-4w9c-7733)", async () => {
    const attackers = await consentForm(facade.browser());
    const victim = facade.browser();
    await consentForm(victim);
    await expectRefused(victim, await post(victim, attackers, CROSS_SITE));
  });

  it("with its own token, from a browser that sends neither Sec-Fetch-Site nor Origin", async () => {
    const attackers = await consentForm(facade.browser());
    const victim = facade.browser();
    await consentForm(victim);
    await expectRefused(victim, await post(victim, attackers));
  });

  it("with its own token, where the victim has never been here and has no cookie at all", async () => {
    const attackers = await consentForm(facade.browser());
    const victim = facade.browser();
    await expectRefused(victim, await post(victim, attackers));
  });

  it("with its own token and its own cookie planted under another name", async () => {
    const agent = facade.browser();
    const attackers = await consentForm(agent);
    const value = agent.cookies(facade.app.baseUrl).get("dev-csrf") ?? "";
    const victim = facade.browser();
    for (const name of ["csrf", "Dev-csrf", "DEV-CSRF", "__Host-csrf", "__host-csrf"]) {
      victim.cookies(facade.app.baseUrl).set(name, value);
    }
    await expectRefused(victim, await post(victim, attackers));
  });

  it("with a form that it read from the victim's own page by accident (leaked markup)", async () => {
    const victim = facade.browser();
    const fields = await consentForm(victim);
    await expectRefused(victim, await post(victim, fields, CROSS_SITE));
  });

  it.each([
    ["a sandboxed frame or a redirect, whose Origin is null", { origin: "null" }],
    [
      "a neighbour on the same site",
      { "sec-fetch-site": "same-site", origin: "http://localhost:3000" },
    ],
    ["a page of an origin that may call the MCP endpoints", { origin: "http://localhost:6274" }],
    ["an origin that begins like ours", { origin: "http://localhost:70711" }],
    ["our origin over https", { origin: "https://localhost:7071" }],
    ["a header that says two things", { "sec-fetch-site": "same-origin, cross-site" }],
    ["an empty header", { "sec-fetch-site": "" }],
    [
      "our Origin, which a browser that says cross-site never sends",
      { ...CROSS_SITE, origin: "http://localhost:7071" },
    ],
  ])("from %s", async (_sender, headers) => {
    const victim = facade.browser();
    await expectRefused(victim, await post(victim, await consentForm(victim), headers));
  });

  it("with the denial either: the victim's own sign-in is not cancelled", async () => {
    const victim = facade.browser();
    const fields = await consentForm(victim);
    await expectRefused(victim, await post(victim, { ...fields, decision: "deny" }, CROSS_SITE));
    expect((await post(victim, fields)).status).toBe(303);
  });

  it("and has nothing remembered by it", async () => {
    const victim = facade.browser();
    const fields = { ...(await consentForm(victim)), remember: "yes" };
    await expectRefused(victim, await post(victim, fields, CROSS_SITE));
    const again = await victim.get(facade.client.authorizationUrl(), { "sec-fetch-site": "none" });
    await expectPage(again, 200);
  });
});

describe("an attacker cannot make the consent page something else", () => {
  it("by posting the form as JSON, text or multipart, which need no page of ours", async () => {
    const victim = facade.browser();
    const fields = await consentForm(victim);
    for (const type of ["application/json", "text/plain", "multipart/form-data; boundary=x"]) {
      const answer = await post(victim, fields, { "content-type": type });
      await expectRefused(victim, answer, 415);
    }
  });

  it("by sending the answer as a link", async () => {
    const victim = facade.browser();
    const fields = await consentForm(victim);
    const url = `${facade.app.baseUrl}/consent?${new URLSearchParams(fields)}`;
    await expectRefused(victim, await victim.get(url, { "sec-fetch-site": "same-origin" }), 405);
  });

  it("by hiding the answer in the link that opens the page", async () => {
    const url = facade.client.authorizationUrl({ decision: "approve", remember: "yes" });
    await expectPage(await facade.browser().get(url), 200);
  });

  it("by framing it (clickjacking, RFC 9700 §4.16)", async () => {
    const page = await facade.browser().get(facade.client.authorizationUrl());
    expect(page.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    expect(page.headers.get("x-frame-options")).toBe("DENY");
  });

  it("by a name full of markup: it is text, and no script would run (CSP)", async () => {
    const name = `"><script>alert(1)</script><form action="${EVIL}">`;
    await facade.client.register({ client_name: name, client_uri: "https://a.example/\"'><b>" });
    const answer = await facade.browser().get(facade.client.authorizationUrl());
    const page = await expectPage(answer, 200);
    expect(page).not.toContain("<script>");
    expect(page).not.toContain(`action="${EVIL}"`);
    expect(page.match(/<form /g)).toHaveLength(1);
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  it("by a name in bidirectional or invisible letters: they are not shown", async () => {
    await facade.client.register({ client_name: "safe\u202eelpmaxe.live\u200b\u2066x" });
    const page = await expectPage(
      await facade.browser().get(facade.client.authorizationUrl()),
      200,
    );
    expect(page).toContain("<bdi>safeelpmaxe.livex</bdi>");
    expect(page).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b-\u200f]/);
  });

  it("by redirecting before consent: nothing goes to Entra (confused deputy)", async () => {
    const before = facade.entra.requests();
    for (const prompt of ["none", "login", "consent", "select_account"]) {
      const answer = await facade.browser().get(facade.client.authorizationUrl({ prompt }));
      expect(answer.headers.get("location") ?? "").not.toContain(facade.entra.url);
    }
    expect(facade.entra.requests()).toEqual(before);
  });
});

/** Says yes, for thirty days. */
async function remembering(agent: UserAgent): Promise<void> {
  const answer = await post(agent, { ...(await consentForm(agent)), remember: "yes" });
  expect(answer.status).toBe(303);
}

describe("a remembered consent gives an attacker nothing (confused deputy, ADR 6)", () => {
  it("from a link on his site: the person is asked", async () => {
    const victim = facade.browser();
    await remembering(victim);
    const url = facade.client.authorizationUrl({ code_challenge: "a".repeat(43) });
    await expectPage(await victim.get(url, { "sec-fetch-site": "cross-site" }), 200);
  });

  it("for a client of his own that has the same name and the same host", async () => {
    const victim = facade.browser();
    await remembering(victim);
    const evil = await facade.stranger();
    await expectPage(await victim.get(evil.authorizationUrl(), { "sec-fetch-site": "none" }), 200);
  });

  it("copied into another installation, whose keys are others", async () => {
    const victim = facade.browser();
    await remembering(victim);
    const other = createTestApp({ entraUrl: facade.entra.url });
    const agent = new UserAgent(other.fetch);
    for (const [name, value] of victim.cookies(facade.app.baseUrl)) {
      agent.cookies(other.baseUrl).set(name, value);
    }
    const answer = await agent.get(facade.client.authorizationUrl());
    await expectPage(answer, 400);
  });
});

it("the victim's own yes still works after all of that", async () => {
  const victim = facade.browser();
  const fields = await consentForm(victim);
  await post(victim, await consentForm(facade.browser()), CROSS_SITE);
  const answer = await post(victim, fields, { "sec-fetch-site": "same-origin" });
  expect(location(answer).origin).toBe(facade.entra.url);
});
