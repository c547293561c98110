import { describe, expect, it } from "vitest";
import { jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { approve, signIn } from "../support/sign-in.ts";
import { location } from "../support/user-agent.ts";

const facade = useFacade();

const EVIL = "https://evil.example";

describe("a mix-up attacker (RFC 9700 §4.4, RFC 9207) cannot pass our answer off as another server's", () => {
  it("a code comes with our iss, and only once", async () => {
    const back = await signIn(facade.browser(), facade.client.authorizationUrl(), "alice");
    expect(back.searchParams.getAll("iss")).toEqual([facade.app.baseUrl]);
    expect(back.searchParams.getAll("code")).toHaveLength(1);
  });

  it.each([
    ["from the request", { response_type: "token" }],
    ["from the checks of the resource", { resource: EVIL }],
    ["about a state that is too long", { state: "s".repeat(5_000) }],
  ])("an error %s comes with our iss too", async (_where, changes) => {
    const answer = await facade.browser().get(facade.client.authorizationUrl(changes));
    expect(location(answer).searchParams.getAll("iss")).toEqual([facade.app.baseUrl]);
  });

  it("an error of Entra's comes with our iss, not with Entra's", async () => {
    const agent = facade.browser();
    const entraUrl = await approve(agent, facade.client.authorizationUrl());
    const state = entraUrl.searchParams.get("state") ?? "";
    const callback = `${facade.app.baseUrl}/callback?error=access_denied&iss=${EVIL}&state=${state}`;
    const back = location(await agent.get(callback));
    expect(back.searchParams.getAll("iss")).toEqual([facade.app.baseUrl]);
  });

  it.each([
    ["in the state", { state: `x&iss=${EVIL}&code=stolen` }],
    ["in the state, encoded", { state: `x%26iss=${EVIL}` }],
    ["in the state, behind a fragment", { state: `x#&iss=${EVIL}` }],
    ["as a parameter of the request", { state: "x", iss: EVIL, code: "stolen" }],
  ])("iss and code smuggled %s stay where they are", async (_where, changes) => {
    const url = facade.client.authorizationUrl(changes);
    const back = await signIn(facade.browser(), url, "alice");
    expect(back.searchParams.getAll("iss")).toEqual([facade.app.baseUrl]);
    expect(back.searchParams.getAll("code")).toHaveLength(1);
    expect(back.searchParams.get("state")).toBe(changes.state);
    expect(back.hash).toBe("");
  });

  it("is told by the metadata that every answer has it, and that the issuer is where it was read", async () => {
    const metadata = await jsonOf(await facade.get("/.well-known/oauth-authorization-server"));
    expect(metadata).toMatchObject({
      issuer: facade.app.baseUrl,
      authorization_response_iss_parameter_supported: true,
    });
  });
});

describe("answers of two clients that were swapped (RFC 9700 §4.5)", () => {
  it("give neither client the other's person", async () => {
    const other = await facade.stranger();
    const mine = await facade.client.code("alice");
    const theirs = await other.code("bob");
    expect(await refusalOf(await facade.client.redeem(theirs))).toBe("400 invalid_grant");
    expect(await refusalOf(await other.redeem(mine))).toBe("400 invalid_grant");
    expect((await facade.client.redeem(mine)).status).toBe(200);
    expect((await other.redeem(theirs)).status).toBe(200);
  });

  it("two clients with one redirect URI are told apart by their id", async () => {
    const other = await facade.stranger();
    const code = await facade.client.code("alice");
    const taken = await other.redeem(code, { redirect_uri: REDIRECT_URI });
    expect(await refusalOf(taken)).toBe("400 invalid_grant");
    expect((await facade.client.redeem(code)).status).toBe(200);
  });
});

describe("a caller that forges where the server is (Host header injection)", () => {
  const forged = [
    ["X-Forwarded-Host", { "x-forwarded-host": "evil.example" }],
    ["X-Forwarded-Proto and -Port", { "x-forwarded-proto": "https", "x-forwarded-port": "444" }],
    ["Forwarded", { forwarded: "host=evil.example;proto=https" }],
    ["X-Original-Host and -URL", { "x-original-host": "evil.example", "x-original-url": "/evil" }],
    ["Disguised-Host, as App Service has it", { "disguised-host": "evil.example" }],
    ["X-HTTP-Method-Override", { "x-http-method-override": "POST" }],
    ["Host, on another loopback port", { host: "localhost:1" }],
  ] as const;

  it.each(forged)("by %s changes no URL of ours", async (_header, headers) => {
    for (const path of [
      "/.well-known/oauth-authorization-server",
      "/.well-known/openid-configuration",
      "/.well-known/oauth-protected-resource/sse",
    ]) {
      const plain = await (await facade.get(path)).text();
      expect(await (await facade.get(path, headers)).text()).toBe(plain);
    }
    const challenge = (await facade.get("/sse", headers)).headers.get("www-authenticate");
    expect(challenge).toBe((await facade.get("/sse")).headers.get("www-authenticate"));
    const code = facade.client.authorizationUrl({ response_type: "token" });
    const back = location(await facade.app.fetch(code, { headers, redirect: "manual" }));
    expect(back.searchParams.get("iss")).toBe(facade.app.baseUrl);
  });

  it("by a Host that is not this machine is refused (DNS rebinding)", async () => {
    for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:7071"]) {
      expect((await facade.get("/sse", { host })).status).toBe(403);
      expect((await facade.get("/.well-known/jwks.json", { host })).status).toBe(403);
    }
  });
});
