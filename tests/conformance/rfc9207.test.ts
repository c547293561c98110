import { expect } from "vitest";
import { answerTo, jsonOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { approve, pickAccount, signIn } from "../support/sign-in.ts";
import { holdsEvery } from "../support/rules.ts";
import { parseForm } from "../support/user-agent.ts";

const RULES = {
  success: "names the issuer beside a code (§2)",
  requestError: "names the issuer beside an error of the request (§2)",
  denied: "names the issuer when the person says no (§2)",
  upstream: "names itself, and not Entra, when Entra says no (§2)",
  exact: "names exactly the issuer of the metadata (§2.3)",
  announced: "announces that it does (§3)",
  once: "names no issuer that the request asked for (§2.4)",
} as const;

const facade = useFacade();

holdsEvery("RFC 9207, issuer identification", RULES, {
  async success() {
    const back = await signIn(facade.browser(), facade.client.authorizationUrl(), "alice");
    expect(back.searchParams.has("code")).toBe(true);
    expect(back.searchParams.getAll("iss")).toEqual([facade.app.baseUrl]);
  },
  async requestError() {
    const url = facade.client.authorizationUrl({ response_type: "token" });
    expect(answerTo(REDIRECT_URI, await facade.app.fetch(url))).toMatchObject({
      iss: facade.app.baseUrl,
    });
  },
  async denied() {
    const agent = facade.browser();
    const page = await agent.get(facade.client.authorizationUrl());
    const { fields } = parseForm(await page.text());
    const answer = await agent.post(`${facade.app.baseUrl}/consent`, {
      ...fields,
      decision: "deny",
    });
    expect(answerTo(REDIRECT_URI, answer)).toMatchObject({
      error: "access_denied",
      iss: facade.app.baseUrl,
    });
  },
  async upstream() {
    const agent = facade.browser();
    const entraUrl = await approve(agent, facade.client.authorizationUrl());
    const callback = await pickAccount(agent, entraUrl, "alice");
    facade.entra.set({ policyBlocked: ["alice"] });
    expect(answerTo(REDIRECT_URI, await agent.get(callback))).toMatchObject({
      error: "access_denied",
      iss: facade.app.baseUrl,
    });
  },
  async exact() {
    const metadata = await jsonOf(await facade.get("/.well-known/oauth-authorization-server"));
    const back = await signIn(facade.browser(), facade.client.authorizationUrl(), "alice");
    expect(back.searchParams.get("iss")).toBe(metadata["issuer"]);
  },
  async announced() {
    const metadata = await jsonOf(await facade.get("/.well-known/oauth-authorization-server"));
    expect(metadata["authorization_response_iss_parameter_supported"]).toBe(true);
  },
  async once() {
    const url = facade.client.authorizationUrl({ prompt: "none", iss: "https://evil.example" });
    const answer = new URL((await facade.app.fetch(url)).headers.get("location") ?? "");
    expect(answer.searchParams.getAll("iss")).toEqual([facade.app.baseUrl]);
  },
});
