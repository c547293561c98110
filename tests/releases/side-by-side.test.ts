import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { AccountBrowser } from "../support/account-browser.ts";
import { expectPage, jsonOf, refusalOf } from "../support/answers.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { connectAs, reconnect, type TestProvider } from "../support/sdk-client.ts";
import { approve, pickAccount, signIn } from "../support/sign-in.ts";
import { type Fetch, location, parseForm, UserAgent } from "../support/user-agent.ts";
import { lastVersion, type Release, startTwoReleases, type TwoReleases } from "./two-releases.ts";

const BOTH_WAYS = [
  { from: "before", to: "now" },
  { from: "now", to: "before" },
] as const;

let releases: TwoReleases;
beforeAll(async () => {
  releases = await startTwoReleases();
}, 60_000);
afterAll(() => releases.stop());

describe.each(BOTH_WAYS)(`beside ${lastVersion()}, from $from to $to:`, (way) => {
  let from: Release;
  let to: Release;
  /** One client, registered at `from`, at either release. */
  let here: OAuthTestClient;
  let there: OAuthTestClient;
  beforeEach(async () => {
    from = releases[way.from];
    to = releases[way.to];
    here = await new OAuthTestClient(from.baseUrl, from.fetch).register();
    there = here.through(to.fetch);
  });

  it("a client that has signed in at one works and refreshes at the other, and goes back", async () => {
    const { provider, close } = await connectAs(from.baseUrl, "alice", { fetch: from.fetch });
    await close();
    provider.authorizationUrl = undefined;
    for (const release of [to, from, to]) {
      expect(await whoAmI(release, provider)).toBe("alice@contoso.example");
      const { refresh_token: before } = provider.tokens() ?? {};
      provider.saveTokens({ ...provider.tokens(), access_token: "lost", token_type: "Bearer" });
      expect(await whoAmI(release, provider)).toBe("alice@contoso.example");
      expect(provider.tokens()?.refresh_token).not.toBe(before);
    }
    expect(provider.authorizationUrl).toBeUndefined();
  });

  it("a client that is registered at one is known at the other", async () => {
    expect((await there.tokens("bob")).token_type).toBe("Bearer");
  });

  it("a code that is issued by one is redeemed at the other, and is used up at both", async () => {
    const code = await here.code("alice");
    expect((await there.redeem(code)).status).toBe(200);
    for (const client of [here, there]) {
      expect(await refusalOf(await client.redeem(code))).toBe("400 invalid_grant");
    }
  });

  it("a sign-in goes on at the other at each of its steps", async () => {
    const agent = new UserAgent(inTurn(from, to, from));
    // /authorize here, /consent there, /callback here, /token there.
    const back = await signIn(agent, here.authorizationUrl(), "alice");
    const code = back.searchParams.get("code") ?? "";
    expect((await there.redeem(code)).status).toBe(200);
  });

  it("a sign-in that is finished at one is finished at the other", async () => {
    const agent = new UserAgent(inTurn(from, from, to, from));
    const entraUrl = await approve(agent, here.authorizationUrl());
    const callback = await pickAccount(agent, entraUrl, "alice");
    const cookies = new Map(agent.cookies(from.baseUrl));
    expect(location(await agent.get(callback)).searchParams.has("code")).toBe(true);
    for (const [name, value] of cookies) agent.cookies(from.baseUrl).set(name, value);
    await expectPage(await agent.get(callback), 400);
  });

  it("a consent that one has the browser remember is known to the other", async () => {
    const agent = new UserAgent(inTurn(from, from, to));
    const { action, fields } = parseForm(await (await agent.get(here.authorizationUrl())).text());
    const approval = { ...fields, decision: "approve", remember: "yes" };
    await agent.post(new URL(action, from.baseUrl), approval);
    const again = await agent.get(here.authorizationUrl(), { "sec-fetch-site": "none" });
    expect(location(again).origin).toBe(releases.stack.entra.url);
  });

  it("a retry of a refresh gets from the other what one has answered; reuse ends the session at both", async () => {
    const first = await here.tokens("alice");
    const answer = (await jsonOf(await here.refresh(first.refresh_token))) as TokenResponse;
    expect(await jsonOf(await there.refresh(first.refresh_token))).toEqual(answer);
    await there.refresh(answer.refresh_token);
    expect(await refusalOf(await here.refresh(first.refresh_token))).toBe("400 invalid_grant");
    expect(await refusalOf(await there.refresh(answer.refresh_token))).toBe("400 invalid_grant");
  });

  it("of refreshes at both at once, one asks Entra, and all get its answer", async () => {
    const { refresh_token: token } = await here.tokens("bob");
    const before = refreshesAtEntra();
    const responses = await Promise.all(
      Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? here : there).refresh(token)),
    );
    const answers = await Promise.all(responses.map((response) => response.text()));
    expect(new Set(answers).size).toBe(1);
    expect(JSON.parse(answers[0] ?? "")).toHaveProperty("refresh_token");
    expect(refreshesAtEntra() - before).toBe(1);
  });

  it("what is revoked at one has ended at the other", async () => {
    const { access_token: access, refresh_token: token } = await here.tokens("alice");
    expect((await here.postForm("/revoke", { client_id: here.id, token })).status).toBe(200);
    expect(await refusalOf(await there.refresh(token))).toBe("400 invalid_grant");
    expect(await sseStatus(to, access)).toBe(401);
  });

  it("the account page of one shows and ends what was begun at the other", async () => {
    const { access_token: access, refresh_token: token } = await here.tokens("admin");
    // Sign-in begun at one, finished at the other; then everything at the other.
    const page = new AccountBrowser({ baseUrl: to.baseUrl, fetch: inTurn(from, to) });
    await page.signIn("admin");
    expect((await page.sessionIds()).length).toBeGreaterThan(0);
    expect((await page.press("end-all")).status).toBeLessThan(400);
    expect(await refusalOf(await here.refresh(token))).toBe("400 invalid_grant");
    expect(await sseStatus(from, access)).toBe(401);
  });

  it("settings that are kept by one are read by the other", async () => {
    const { client, provider, close } = await connectAs(from.baseUrl, "bob", { fetch: from.fetch });
    const filters = { [way.from]: "call" };
    await client.callTool({ name: "updateSettings", arguments: { filters } });
    await close();
    const other = await reconnect(to.baseUrl, provider, to.fetch);
    const { structuredContent } = await other.client.callTool({ name: "getSettings" });
    expect(structuredContent).toMatchObject({ filters });
    await other.close();
  });

  it("both publish the same keys, also after one has done the upkeep, and nothing ends by it", async () => {
    const tokens = await here.tokens("alice");
    await from.host.runTimer("maintenance");
    const [ours, theirs] = await Promise.all([from, to].map((release) => keysOf(release)));
    expect(ours).toEqual(theirs);
    expect(await sseStatus(to, tokens.access_token)).toBe(200);
    expect((await there.refresh(tokens.refresh_token)).status).toBe(200);
  });
});

/** Sends what is meant for the installation to each of these in turn, and then on and on to the last. */
function inTurn(...order: readonly [Release, ...Release[]]): Fetch {
  const [{ baseUrl }] = order;
  let requests = 0;
  return (url, init) => {
    if (new URL(url).origin !== baseUrl) return fetch(url, init);
    const release = order[Math.min(requests++, order.length - 1)] ?? order[0];
    return release.fetch(url, init);
  };
}

function refreshesAtEntra(): number {
  return releases.stack.entra.requests()["token.refresh_token"] ?? 0;
}

async function whoAmI(release: Release, provider: TestProvider): Promise<unknown> {
  const { client, close } = await reconnect(release.baseUrl, provider, release.fetch);
  const { structuredContent } = await client.callTool({ name: "getUserDetails" });
  await close();
  return (structuredContent as { mail?: unknown } | undefined)?.mail;
}

async function sseStatus({ baseUrl, fetch: reach }: Release, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await reach(`${baseUrl}/sse`, { headers });
  await response.body?.cancel();
  return response.status;
}

async function keysOf({ baseUrl, fetch: reach }: Release): Promise<unknown> {
  return (await reach(`${baseUrl}/.well-known/jwks.json`)).json();
}
