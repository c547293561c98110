import { describe, expect, it } from "vitest";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import type { Etag, Key, TableName, Value } from "../../shared/storage/store.ts";
import type { SwitchSettings } from "../../tools/entra/switches.ts";
import { answerTo, expectPage } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";
import { createTestApp } from "../support/test-app.ts";
import { approve, pickAccount, signIn } from "../support/sign-in.ts";
import { location, parseForm, UserAgent } from "../support/user-agent.ts";

const facade = useFacade();

/** What `/callback` answers when Entra starts to fail after the person has picked an account. */
async function callbackDuring(failure: Partial<SwitchSettings>): Promise<Response> {
  const agent = facade.browser();
  const entraUrl = await approve(agent, facade.client.authorizationUrl());
  const callback = await pickAccount(agent, entraUrl, "alice");
  facade.entra.set(failure);
  return agent.get(callback);
}

describe("GET /callback tells the client", () => {
  it.each<[string, string, Partial<SwitchSettings>]>([
    ["access_denied", "a disabled account", { userDisabled: ["alice"] }],
    ["access_denied", "a policy that blocks", { policyBlocked: ["alice"] }],
    ["access_denied", "MFA that is required", { mfaRequired: ["alice"] }],
    ["access_denied", "consent that is missing (65001)", { tokenFault: 65_001 }],
    ["access_denied", "consent that was declined (65004)", { tokenFault: 65_004 }],
    ["access_denied", "an account that is not assigned (50105)", { tokenFault: 50_105 }],
    ["access_denied", "a device that does not comply (53000)", { tokenFault: 53_000 }],
    ["access_denied", "a code that has expired (70008)", { tokenFault: 70_008 }],
    ["server_error", "an expired client secret (7000222)", { tokenFault: 7_000_222 }],
    ["server_error", "a wrong client secret (7000215)", { tokenFault: 7_000_215 }],
    ["server_error", "a redirect URI that is not registered (50011)", { tokenFault: 50_011 }],
    ["server_error", "an unknown application (700016)", { tokenFault: 700_016 }],
    ["temporarily_unavailable", "a transient error (50033)", { tokenFault: 50_033 }],
    ["temporarily_unavailable", "a transient error (90033)", { tokenFault: 90_033 }],
    ["temporarily_unavailable", "429", { throttled: ["token"] }],
    ["temporarily_unavailable", "500 with a page that is not JSON", { serverError: ["token"] }],
    ["temporarily_unavailable", "no connection", { down: true }],
  ])("%s for %s, with state and iss and without Entra's words", async (error, _what, failure) => {
    const answer = answerTo(REDIRECT_URI, await callbackDuring(failure));
    expect(answer).toEqual({
      error,
      error_description: expect.stringMatching(
        /^(Microsoft Entra ID|This server)[a-zA-Z ]*( \(AADSTS\d+\))?\.$/,
      ) as string,
      state: "the-state",
      iss: facade.app.baseUrl,
    });
  });

  it("access_denied when the person cancels at Entra (AADSTS65004)", async () => {
    const agent = facade.browser();
    const entraUrl = await approve(agent, facade.client.authorizationUrl());
    const form = parseForm(await (await agent.get(entraUrl)).text());
    const callback = location(
      await agent.post(new URL(form.action, entraUrl), { ...form.fields, account: "cancel" }),
    );
    expect(callback.searchParams.get("error")).toBe("access_denied");
    expect(answerTo(REDIRECT_URI, await agent.get(callback))).toMatchObject({
      error: "access_denied",
      state: "the-state",
      iss: facade.app.baseUrl,
    });
  });

  it("access_denied for a person of a tenant that may not sign in, and forgets their tokens", async () => {
    const vault = new Set<string>();
    class WatchedStore extends MemoryStore {
      override put(table: TableName, key: Key, value: Value): Promise<Etag> {
        if (table === "vault") vault.add(key.partition);
        return super.put(table, key, value);
      }
      override delete(table: TableName, key: Key, etag?: Etag): Promise<boolean> {
        if (table === "vault") vault.delete(key.partition);
        return super.delete(table, key, etag);
      }
    }
    const app = createTestApp({
      entraUrl: facade.entra.url,
      store: new WatchedStore(),
      env: { ENTRA_ALLOWED_TENANTS: "11111111-2222-4333-8444-555555555555" },
    });
    const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
    const back = await signIn(new UserAgent(app.fetch), client.authorizationUrl(), "alice");
    expect(back.searchParams.get("error")).toBe("access_denied");
    expect(back.searchParams.has("code")).toBe(false);
    expect(facade.entra.issued().length).toBeGreaterThan(0);
    expect([...vault]).toEqual([]);
  });
});

describe("GET /callback", () => {
  it("shows a page when Entra's code was redeemed before (54005)", async () => {
    await expectPage(await callbackDuring({ tokenFault: 54_005 }), 400);
  });

  it("works while Entra is slow", async () => {
    expect(answerTo(REDIRECT_URI, await callbackDuring({ delayMs: 30 }))).toHaveProperty("code");
  });

  it("uses the sign-in up when it fails: the client starts anew", async () => {
    const agent = facade.browser();
    const entraUrl = await approve(agent, facade.client.authorizationUrl());
    const callback = await pickAccount(agent, entraUrl, "alice");
    facade.entra.set({ down: true });
    await agent.get(callback);
    facade.entra.set({ down: false });
    await expectPage(await agent.get(callback), 400);
  });
});
