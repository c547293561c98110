import { describe, expect, it } from "vitest";
import { answerTo, expectPage } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { type Account, approve, pickAccount } from "../support/sign-in.ts";
import type { UserAgent } from "../support/user-agent.ts";

const facade = useFacade();

/** Goes as far as Entra's answer. @returns Our `/callback`, not yet opened. */
async function toCallback(
  agent: UserAgent,
  account: Account = "alice",
  changes: Record<string, string> = {},
): Promise<URL> {
  const entraUrl = await approve(agent, facade.client.authorizationUrl(changes));
  return pickAccount(agent, entraUrl, account);
}

const replaced = (url: URL, changes: Record<string, string>) => {
  const copy = new URL(url);
  for (const [name, value] of Object.entries(changes)) copy.searchParams.set(name, value);
  return copy;
};

describe("GET /callback", () => {
  it("sends the client a code of ours, its state and iss (RFC 6749 §4.1.2, RFC 9207)", async () => {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    const answer = answerTo(REDIRECT_URI, await agent.get(callback));
    expect(Object.keys(answer).toSorted()).toEqual(["code", "iss", "state"]);
    expect(answer).toMatchObject({ state: "the-state", iss: facade.app.baseUrl });
    expect(answer["code"]).not.toBe(callback.searchParams.get("code"));
  });

  it("takes the browser's cookie for this sign-in away", async () => {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    const jar = agent.cookies(facade.app.baseUrl);
    expect([...jar.keys()].filter((name) => name.startsWith("dev-sign-in-"))).toHaveLength(1);
    await agent.get(callback);
    expect([...jar.keys()]).toEqual(["dev-csrf", "dev-device"]);
  });

  it("is a page in another browser, and the sign-in can still be finished in its own", async () => {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    await expectPage(await facade.browser().get(callback), 400);
    expect(answerTo(REDIRECT_URI, await agent.get(callback))).toHaveProperty("code");
  });

  it("is a page in a browser that has only the cookie of a sign-in of its own", async () => {
    const [victim, attacker] = [facade.browser(), facade.browser()];
    await toCallback(victim);
    const attackersCallback = await toCallback(attacker);
    await expectPage(await victim.get(attackersCallback), 400);
  });

  it("is a page when the cookie was changed", async () => {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    const jar = agent.cookies(facade.app.baseUrl);
    const [name, value] = [...jar].find(([cookie]) => cookie.startsWith("dev-sign-in-")) ?? [
      "",
      "",
    ];
    const changed = value.replace(/\.(.)/, (_, first: string) => (first === "A" ? ".B" : ".A"));
    for (const forged of ["", "x", ".", changed, "unknown-key.AAAA"]) {
      jar.set(name, forged);
      await expectPage(await agent.get(callback), 400);
    }
    jar.set(name, value);
    expect(answerTo(REDIRECT_URI, await agent.get(callback))).toHaveProperty("code");
  });

  it("is a page when it is replayed, also by a browser that kept its cookie", async () => {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    const jar = agent.cookies(facade.app.baseUrl);
    const before = [...jar];
    expect(answerTo(REDIRECT_URI, await agent.get(callback))).toHaveProperty("code");
    await expectPage(await agent.get(callback), 400);
    for (const [name, value] of before) jar.set(name, value);
    await expectPage(await agent.get(callback), 400);
  });

  it("gives one code when it is opened twice at once", async () => {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    const answers = await Promise.all([agent.get(callback), agent.get(callback)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([302, 400]);
  });

  it("finishes a sign-in within ten minutes, and not after", async () => {
    const agent = facade.browser();
    const [inTime, tooLate] = [await toCallback(agent), await toCallback(agent)];
    facade.app.clock.advance({ seconds: 599 });
    expect(answerTo(REDIRECT_URI, await agent.get(inTime))).toHaveProperty("code");
    facade.app.clock.advance({ seconds: 1 });
    await expectPage(await agent.get(tooLate), 400);
  });

  it("finishes parallel sign-ins of one browser, in any order", async () => {
    const agent = facade.browser();
    const first = await toCallback(agent, "alice", { state: "first" });
    const second = await toCallback(agent, "bob", { state: "second" });
    expect(answerTo(REDIRECT_URI, await agent.get(second))).toMatchObject({ state: "second" });
    expect(answerTo(REDIRECT_URI, await agent.get(first))).toMatchObject({ state: "first" });
  });

  it.each([
    ["without state", "/callback?code=x"],
    ["with an empty state", "/callback?code=x&state="],
    ["with a state that nobody issued", `/callback?code=x&state=abc.${"A".repeat(43)}`],
    ["with a state that is no state", "/callback?code=x&state=../keys"],
    ["with an error and no state", "/callback?error=access_denied"],
    ["without anything", "/callback"],
  ])("is a page %s", async (_what, path) => {
    await expectPage(await facade.get(path), 400);
    await expectPage(await facade.get(path, { cookie: "dev-sign-in-x=y; dev-csrf=%ff" }), 400);
  });

  it("tells the client when Entra sent neither code nor error", async () => {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    callback.searchParams.delete("code");
    expect(answerTo(REDIRECT_URI, await agent.get(callback))).toMatchObject({
      error: "temporarily_unavailable",
      state: "the-state",
      iss: facade.app.baseUrl,
    });
  });

  it("does not pass on what the address says in place of Entra's own text", async () => {
    const agent = facade.browser();
    const callback = await toCallback(agent);
    callback.searchParams.delete("code");
    const answer = await agent.get(
      replaced(callback, { error: "access_denied", error_description: "call 555-0100" }),
    );
    expect(answerTo(REDIRECT_URI, answer)).toMatchObject({ error: "access_denied" });
    expect(answer.headers.get("location")).not.toContain("555-0100");
  });

  it("refuses the code of another sign-in (mix-up of codes)", async () => {
    const agent = facade.browser();
    const [mine, other] = [await toCallback(agent, "alice"), await toCallback(agent, "bob")];
    const code = other.searchParams.get("code") ?? "";
    const answer = answerTo(REDIRECT_URI, await agent.get(replaced(mine, { code })));
    expect(answer).not.toHaveProperty("code");
    expect(answer).toHaveProperty("error");
  });
});
