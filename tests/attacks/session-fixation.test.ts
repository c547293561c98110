import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { expectPage } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { approve, pickAccount, signIn } from "../support/sign-in.ts";
import { location, type UserAgent } from "../support/user-agent.ts";

const facade = useFacade();

function cookiesOf(agent: UserAgent): Map<string, string> {
  return agent.cookies(facade.app.baseUrl);
}

async function subjectOf(back: URL): Promise<string | undefined> {
  const answer = await facade.client.redeem(back.searchParams.get("code") ?? "");
  expect(answer.status).toBe(200);
  return decodeJwt(((await answer.json()) as TokenResponse).access_token).sub;
}

const subjects = async () => ({
  alice: await subjectOf(await signIn(facade.browser(), facade.client.authorizationUrl(), "alice")),
  bob: await subjectOf(await signIn(facade.browser(), facade.client.authorizationUrl(), "bob")),
});

describe("an attacker approves his own client and has the victim finish the sign-in (session fixation, RFC 9700 §4.7)", () => {
  it("by sending her the link to Entra: she is not let through, and he gets no code", async () => {
    const attacker = facade.browser();
    const entraUrl = await approve(attacker, facade.client.authorizationUrl());
    const victim = facade.browser();
    const callback = await pickAccount(victim, entraUrl, "alice");
    await expectPage(await victim.get(callback), 400);
  });

  it("while she has a sign-in of her own under way, which she can still finish", async () => {
    const attacker = facade.browser();
    const entraUrl = await approve(attacker, facade.client.authorizationUrl());
    const victim = facade.browser();
    const own = await approve(victim, facade.client.authorizationUrl({ state: "hers" }));
    await expectPage(await victim.get(await pickAccount(victim, entraUrl, "alice")), 400);
    const back = location(await victim.get(await pickAccount(victim, own, "alice")));
    expect(back.searchParams.get("state")).toBe("hers");
    expect(await subjectOf(back)).toBe((await subjects()).alice);
  });

  it("and the attempt does not use his own sign-in up for her: he ends as himself", async () => {
    const attacker = facade.browser();
    const entraUrl = await approve(attacker, facade.client.authorizationUrl());
    const victim = facade.browser();
    await expectPage(await victim.get(await pickAccount(victim, entraUrl, "alice")), 400);
    const back = location(await attacker.get(await pickAccount(attacker, entraUrl, "bob")));
    expect(await subjectOf(back)).toBe((await subjects()).bob);
  });

  it("by planting cookies: the binding of another sign-in fits none but its own state", async () => {
    const attacker = facade.browser();
    const mine = await approve(attacker, facade.client.authorizationUrl());
    const signInCookie = [...cookiesOf(attacker)].find(([name]) => name.includes("sign-in"));
    const victim = facade.browser();
    const hers = await approve(victim, facade.client.authorizationUrl());
    const names = [...cookiesOf(victim).keys()].filter((name) => name.includes("sign-in"));
    // His value under her name: her sign-in is refused, and he has learnt nothing.
    for (const name of names) cookiesOf(victim).set(name, signInCookie?.[1] ?? "");
    await expectPage(await victim.get(await pickAccount(victim, hers, "alice")), 400);
    await expectPage(await victim.get(await pickAccount(victim, mine, "alice")), 400);
  });

  it("by the same cookie name for two states: the signature covers the state", async () => {
    const attacker = facade.browser();
    const url = await approve(attacker, facade.client.authorizationUrl());
    const [bound] = [...cookiesOf(attacker)].filter(([name]) => name.includes("sign-in"));
    const [name = "", value = ""] = bound ?? [];
    const victim = facade.browser();
    const state = url.searchParams.get("state") ?? "";
    for (const bent of [value.slice(0, -1), `${value}A`, value.split(".")[1] ?? "", `.${value}`]) {
      cookiesOf(victim).set(name, bent);
      const callback = `${facade.app.baseUrl}/callback?code=x&state=${state}`;
      await expectPage(await victim.get(callback), 400);
    }
  });
});

describe("upstream code injection (RFC 9700 §4.5): an attacker puts the victim's Entra code into his own return", () => {
  it("and gets no code: Entra's code belongs to the victim's PKCE pair and nonce", async () => {
    const victim = facade.browser();
    const hers = await pickAccount(
      victim,
      await approve(victim, facade.client.authorizationUrl()),
      "alice",
    );
    const attacker = facade.browser();
    const his = await approve(attacker, facade.client.authorizationUrl());
    const injected = new URL(hers);
    injected.searchParams.set("state", his.searchParams.get("state") ?? "");
    const answer = await attacker.get(injected);
    expect(answer.headers.get("location") ?? "").not.toContain("code=");
  });

  it("nor does his code end in her session", async () => {
    const attacker = facade.browser();
    const his = await pickAccount(
      attacker,
      await approve(attacker, facade.client.authorizationUrl()),
      "bob",
    );
    const victim = facade.browser();
    const hers = await approve(victim, facade.client.authorizationUrl());
    const injected = new URL(his);
    injected.searchParams.set("state", hers.searchParams.get("state") ?? "");
    const answer = await victim.get(injected);
    expect(answer.headers.get("location") ?? "").not.toContain("code=");
  });
});

describe("state of a sign-in (RFC 9700 §4.7.1)", () => {
  it("is spent by one return, also when Entra's answer was an error", async () => {
    const agent = facade.browser();
    const entraUrl = await approve(agent, facade.client.authorizationUrl());
    const kept = new Map(cookiesOf(agent));
    const callback = await pickAccount(agent, entraUrl, "alice");
    const state = entraUrl.searchParams.get("state") ?? "";
    const denied = `${facade.app.baseUrl}/callback?error=access_denied&state=${state}`;
    expect(location(await agent.get(denied)).searchParams.get("error")).toBe("access_denied");
    for (const [name, value] of kept) cookiesOf(agent).set(name, value);
    await expectPage(await agent.get(callback), 400);
  });

  it("is not the client's: what the client chose never reaches Entra, and Entra's never the client", async () => {
    const agent = facade.browser();
    const entraUrl = await approve(agent, facade.client.authorizationUrl({ state: "the-clients" }));
    const ours = entraUrl.searchParams.get("state") ?? "";
    expect(entraUrl.href).not.toContain("the-clients");
    const back = location(await agent.get(await pickAccount(agent, entraUrl, "alice")));
    expect(back.searchParams.get("state")).toBe("the-clients");
    expect(back.href).not.toContain(ours);
  });

  it("cannot be guessed from another: nothing of two states is alike but the hour", async () => {
    const [one, two] = await Promise.all(
      [facade.browser(), facade.browser()].map(async (agent) => {
        const url = await approve(agent, facade.client.authorizationUrl());
        return url.searchParams.get("state")?.split(".")[1] ?? "";
      }),
    );
    expect(one).toHaveLength(43);
    expect(one).not.toBe(two);
  });
});
