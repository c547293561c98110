import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { AccountBrowser } from "../support/account-browser.ts";
import { expectPage } from "../support/answers.ts";
import { EventStream } from "../support/open-stream.ts";
import { useFacade } from "../support/facade.ts";
import { type Account, approve, pickAccount, signIn } from "../support/sign-in.ts";
import { location, parseForm, UserAgent } from "../support/user-agent.ts";

const facade = useFacade();

const browser = (agent?: UserAgent) => new AccountBrowser(facade.app, agent);

const noticeOf = (response: Response) => {
  expect(response.status).toBe(303);
  const { pathname, searchParams } = location(response);
  expect(pathname).toBe("/account");
  return searchParams.get("notice");
};

const connect = async (account: Account = "alice") => {
  const tokens = await facade.client.tokens(account);
  const { sid } = decodeJwt(tokens.access_token);
  return { ...tokens, sid: String(sid) };
};

const lives = async ({ access_token: token }: { access_token: string }) =>
  (await facade.sseStatus(token)) === 200;

describe("signing in to the account page", () => {
  it("is offered to a person who is not signed in", async () => {
    const markup = await expectPage(await facade.get("/account"), 200);
    expect(markup).toContain('value="sign-in"');
  });

  it("asks Entra for who it is and for no permission, with a choice of account", async () => {
    const entra = location(await browser().press("sign-in"));
    expect(entra.origin).toBe(new URL(facade.entra.url).origin);
    const scopes = (entra.searchParams.get("scope") ?? "").split(" ");
    expect(scopes.filter((scope) => /read/i.test(scope))).toEqual([]);
    expect(entra.searchParams.get("prompt")).toBe("select_account");
    expect(entra.searchParams.get("code_challenge_method")).toBe("S256");
  });

  it("ends on the page, for twenty minutes", async () => {
    const person = browser();
    const back = await person.agent.get(await person.callback("alice"));
    expect(location(back).href).toBe(`${facade.app.baseUrl}/account`);
    expect(await person.page()).toContain("Apps connected as you");
    facade.app.clock.advance({ seconds: 1_199 });
    expect(await person.page()).toContain("Apps connected as you");
    facade.app.clock.advance({ seconds: 1 });
    expect(await person.page()).toContain('value="sign-in"');
  });

  it("stores neither session nor Entra tokens", async () => {
    const person = await browser().signIn("alice");
    expect(await person.page()).toContain("No app is connected");
  });

  it("sets a cookie that scripts cannot read and other sites cannot post with", async () => {
    const person = browser();
    const back = await person.agent.get(await person.callback("alice"));
    const cookie = back.headers.getSetCookie().find((each) => each.startsWith("dev-account="));
    expect(cookie).toMatch(/; Max-Age=1200; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  it("cannot be finished in another browser", async () => {
    const callback = await browser().callback("alice");
    const other = new UserAgent(facade.app.fetch);
    await expectPage(await other.get(callback), 400);
    expect(other.cookies(facade.app.baseUrl).has("dev-account")).toBe(false);
  });

  it("cannot be finished twice", async () => {
    const person = browser();
    const callback = await person.callback("alice");
    const jar = person.agent.cookies(facade.app.baseUrl);
    const bound = [...jar];
    expect((await person.agent.get(callback)).status).toBe(302);
    for (const [name, value] of bound) jar.set(name, value);
    await expectPage(await person.agent.get(callback), 400);
  });

  it("shows a page where Entra says no", async () => {
    const person = browser();
    const callback = await person.callback("alice");
    callback.searchParams.delete("code");
    callback.searchParams.set("error", "access_denied");
    await expectPage(await person.agent.get(callback), 403);
    expect(await person.page()).toContain('value="sign-in"');
  });

  it("refuses a cookie that was changed, or made for something else", async () => {
    const person = await browser().signIn("alice");
    const jar = person.agent.cookies(facade.app.baseUrl);
    const sealed = jar.get("dev-account") ?? "";
    const [header, iv, text = "", tag] = sealed.split(".");
    const changed = [
      header,
      iv,
      text.startsWith("A") ? `B${text.slice(1)}` : `A${text.slice(1)}`,
      tag,
    ].join(".");
    for (const wrong of [changed, "x", await person.formToken()]) {
      jar.set("dev-account", wrong);
      expect(await person.page()).toContain('value="sign-in"');
    }
  });
});

describe("the two purposes of a sign-in", () => {
  it("never end a client's sign-in on the account page", async () => {
    const agent = new UserAgent(facade.app.fetch);
    const back = await signIn(agent, facade.client.authorizationUrl(), "alice");
    expect(back.searchParams.has("code")).toBe(true);
    expect(agent.cookies(facade.app.baseUrl).has("dev-account")).toBe(false);
    expect(await browser(agent).page()).toContain('value="sign-in"');
  });

  it("never give a client a code for a sign-in to the account page", async () => {
    const agent = new UserAgent(facade.app.fetch);
    const person = browser(agent);
    // Both are under way in one browser, and Entra's answers are swapped.
    const forClient = await pickAccount(
      agent,
      await approve(agent, facade.client.authorizationUrl()),
      "alice",
    );
    const forAccount = await person.callback("alice");
    const code = forClient.searchParams.get("code") ?? "";
    forClient.searchParams.set("code", forAccount.searchParams.get("code") ?? "");
    forAccount.searchParams.set("code", code);
    const account = await agent.get(forAccount);
    expect(account.headers.get("location")).toBeNull();
    const client = location(await agent.get(forClient));
    expect(client.searchParams.has("code")).toBe(false);
    expect(client.searchParams.has("error")).toBe(true);
    expect(await person.page()).toContain('value="sign-in"');
  });

  it("leave each other alone in one browser", async () => {
    const agent = new UserAgent(facade.app.fetch);
    const person = browser(agent);
    const account = await person.callback("bob");
    const entra = await approve(agent, facade.client.authorizationUrl());
    const back = location(await agent.get(await pickAccount(agent, entra, "alice")));
    expect(back.searchParams.has("code")).toBe(true);
    await agent.get(account);
    // Bob sees Bob's, not what Alice has just connected in the same browser.
    expect(await person.page()).toContain("No app is connected");
  });
});

describe("the list", () => {
  it("has the person's own sessions only", async () => {
    const alice = await connect("alice");
    const bob = await connect("bob");
    expect(await (await browser().signIn("alice")).sessionIds()).toEqual([alice.sid]);
    expect(await (await browser().signIn("bob")).sessionIds()).toEqual([bob.sid]);
  });

  it("has the one that was used last first", async () => {
    const first = await connect();
    facade.app.clock.advance({ seconds: 1 });
    const second = await connect();
    const person = await browser().signIn("alice");
    expect(await person.sessionIds()).toEqual([second.sid, first.sid]);
    facade.app.clock.advance({ seconds: 1 });
    await facade.client.refresh(first.refresh_token);
    expect(await person.sessionIds()).toEqual([first.sid, second.sid]);
  });

  it("marks what was connected in this browser, and only there", async () => {
    const agent = new UserAgent(facade.app.fetch);
    await signIn(agent, facade.client.authorizationUrl(), "alice");
    await connect();
    const here = await (await browser(agent).signIn("alice")).page();
    expect(here.match(/Connected in this browser/g)).toHaveLength(1);
    const elsewhere = await (await browser().signIn("alice")).page();
    expect(elsewhere).not.toContain("Connected in this browser");
  });
});

describe("the buttons", () => {
  it("end one session: its tokens, and its streams at once", async () => {
    const one = await connect();
    const other = await connect();
    const stream = await EventStream.open(facade.app, one.access_token);
    const person = await browser().signIn("alice");
    expect(noticeOf(await person.press("end", { session: one.sid }))).toBe("ended");
    expect(await stream.rest()).toEqual([]);
    expect(await lives(one)).toBe(false);
    expect(await person.sessionIds()).toEqual([other.sid]);
    expect(facade.app.log.join("\n")).toContain('"reason":"account-page"');
  });

  it("end all sessions of the person, and nobody else's", async () => {
    const alice = [await connect(), await connect()];
    const bob = await connect("bob");
    const person = await browser().signIn("alice");
    expect(noticeOf(await person.press("end-all"))).toBe("all-ended");
    for (const session of alice) expect(await lives(session)).toBe(false);
    expect(await lives(bob)).toBe(true);
    expect(await person.page()).toContain("No app is connected");
  });

  it("sign out: the cookie goes, the apps stay", async () => {
    const app = await connect();
    const person = await browser().signIn("alice");
    expect(noticeOf(await person.press("sign-out"))).toBe("signed-out");
    expect(person.agent.cookies(facade.app.baseUrl).has("dev-account")).toBe(false);
    expect(await person.page()).toContain('value="sign-in"');
    expect(await lives(app)).toBe(true);
  });

  it("say so where the session has ended already", async () => {
    const { sid } = await connect();
    const person = await browser().signIn("alice");
    await person.press("end", { session: sid });
    expect(noticeOf(await person.press("end", { session: sid }))).toBe("gone");
  });

  it("end nothing of another person's, whose session id was posted", async () => {
    const bob = await connect("bob");
    const stream = await EventStream.open(facade.app, bob.access_token);
    const person = await browser().signIn("alice");
    expect(noticeOf(await person.press("end", { session: bob.sid }))).toBe("gone");
    // Needs the stream, and Bob's Entra tokens from the vault.
    expect((await stream.callTool("getUserDetails")).isError).toBeFalsy();
  });

  it.each(["", "a/b", "x".repeat(500)])("take no %j for a session id", async (session) => {
    const person = await browser().signIn("alice");
    expect(noticeOf(await person.press("end", { session }))).toBe("gone");
  });

  it("do nothing for an action that is none", async () => {
    const person = await browser().signIn("alice");
    expect((await person.press("destroy")).status).toBe(400);
  });

  it("lead to a page that says what was done, in words of ours only", async () => {
    const person = await browser().signIn("alice");
    expect(await person.page({ notice: "ended" })).toContain("is disconnected");
    for (const odd of ["<b>hello</b>", "toString", "__proto__"]) {
      expect(await person.page({ notice: odd })).not.toContain('role="status"');
    }
  });
});

describe("a form of the account page", () => {
  const SAME = { "sec-fetch-site": "same-origin" };

  it.each([
    ["another site (Sec-Fetch-Site)", { "sec-fetch-site": "cross-site" }],
    ["a sibling site (Sec-Fetch-Site)", { "sec-fetch-site": "same-site" }],
    ["another origin", { origin: "https://evil.example" }],
    ["no origin that has a name", { origin: "null" }],
  ])("is refused from %s", async (_name, headers) => {
    const app = await connect();
    const person = await browser().signIn("alice");
    await expectPage(await person.press("end", { session: app.sid }, headers), 403);
    expect(await lives(app)).toBe(true);
  });

  it("is refused from a browser that says nothing and has lost the cookie", async () => {
    const app = await connect();
    const person = await browser().signIn("alice");
    const form = await person.formToken();
    person.agent.cookies(facade.app.baseUrl).delete("dev-csrf");
    const answer = await person.post({ form, action: "end", session: app.sid });
    await expectPage(answer, 403);
    expect(await lives(app)).toBe(true);
  });

  it("is taken without the cookie where the browser vouches for it", async () => {
    const app = await connect();
    const person = await browser().signIn("alice");
    const form = await person.formToken();
    person.agent.cookies(facade.app.baseUrl).delete("dev-csrf");
    const answer = await person.post({ form, action: "end", session: app.sid }, SAME);
    expect(noticeOf(answer)).toBe("ended");
  });

  it("is refused without its token, or with an invented one", async () => {
    const person = await browser().signIn("alice");
    for (const form of ["", "x", "a.b.c.d"]) {
      await expectPage(await person.post({ form, action: "end-all" }, SAME), 403);
    }
  });

  it("is refused with the token of the attacker's own page (GHSA-rww4-4w9c-7733)", async () => {
    const app = await connect();
    const attacker = await browser().signIn("bob");
    const person = await browser().signIn("alice");
    const form = await attacker.formToken();
    await expectPage(await person.post({ form, action: "end-all" }), 403);
    expect(noticeOf(await person.post({ form, action: "end-all" }, SAME))).toBe("stale");
    expect(await lives(app)).toBe(true);
  });

  it("changes nothing after an hour, or once somebody else has signed in", async () => {
    const app = await connect();
    const agent = new UserAgent(facade.app.fetch);
    const person = await browser(agent).signIn("alice");
    const form = await person.formToken();
    await person.press("sign-out");
    expect(noticeOf(await person.post({ form, action: "end-all" }, SAME))).toBe("stale");
    await person.signIn("bob");
    expect(noticeOf(await person.post({ form, action: "end-all" }, SAME))).toBe("stale");
    expect(await lives(app)).toBe(true);

    const early = await person.formToken();
    facade.app.clock.advance({ seconds: 3_601 });
    expect(noticeOf(await person.post({ form: early, action: "sign-in" }, SAME))).toBe("stale");
  });

  it("begins no sign-in for another site", async () => {
    const answer = await browser().press("sign-in", {}, { origin: "https://evil.example" });
    await expectPage(answer, 403);
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  it("changes nothing for a person who is not signed in", async () => {
    const app = await connect();
    const person = browser();
    const answer = await person.press("end", { session: app.sid }, SAME);
    expect(noticeOf(answer)).toBe("stale");
    expect(await lives(app)).toBe(true);
  });

  it("is not the consent form: neither takes the other's token", async () => {
    const agent = new UserAgent(facade.app.fetch);
    const consent = await agent.get(facade.client.authorizationUrl());
    const { request = "" } = parseForm(await consent.text()).fields;
    const person = browser(agent);
    const form = await person.formToken();
    await expectPage(await person.post({ form: request, action: "sign-in" }, SAME), 403);
    const url = new URL("/consent", facade.app.baseUrl);
    const answer = await agent.post(url, { request: form, decision: "approve" }, SAME);
    await expectPage(answer, 400);
  });
});
