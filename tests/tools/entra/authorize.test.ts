import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GUEST_TENANT, HOME_TENANT } from "../../../tools/entra/directory.ts";
import { signInAs } from "../../../tools/entra/sign-in-as.ts";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import { authorizationUrl, pkce } from "./support.ts";

let entra: RunningEntra;
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());

const open = (overrides: Record<string, string | undefined>, tenant?: string) =>
  fetch(authorizationUrl(entra, overrides, tenant), { redirect: "manual" });

async function redirectedError(overrides: Record<string, string | undefined>) {
  const response = await open(overrides);
  expect(response.status).toBe(302);
  return new URL(response.headers.get("location") ?? "").searchParams;
}

describe("the account picker", () => {
  it("is a form whose buttons have name before value, and runs no script", async () => {
    const response = await open({});
    const text = await response.text();
    expect(text).toMatch(/<form method="post" action="\/[^"&]+\?ctx=[^"&]+">/);
    expect(text).toContain('<button name="account" value="alice">');
    expect(text).toContain('<button name="account" value="bob">');
    expect(text).toContain('<button name="account" value="admin">');
    expect(text).toContain("Entra stand-in – development only");
    expect(text).not.toContain("<script");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(response.headers.get("content-security-policy")).not.toContain("form-action");
  });

  it("offers a tenant's own members, and everybody for organizations and common", async () => {
    expect(await (await open({})).text()).not.toContain('value="guest"');
    expect(await (await open({}, "organizations")).text()).toContain('value="guest"');
    expect(await (await open({}, "common")).text()).toContain('value="alice">');
    expect(await (await open({}, GUEST_TENANT.id)).text()).not.toContain('value="alice">');
  });

  it("puts the account of login_hint first and leaves out other domains for domain_hint", async () => {
    const hinted = await (await open({ login_hint: "admin@contoso.example" })).text();
    expect(hinted.indexOf('value="admin"')).toBeLessThan(hinted.indexOf('value="alice"'));
    const domain = await (await open({ domain_hint: "fabrikam.example" }, "common")).text();
    expect(domain).toContain('value="guest"');
    expect(domain).not.toContain('value="alice">');
  });

  it("returns code, state and client_info to the redirect URI", async () => {
    const target = await signInAs(authorizationUrl(entra, { client_info: "1" }), "alice");
    expect(target.origin + target.pathname).toBe("http://localhost:7071/callback");
    expect(target.searchParams.get("state")).toBe("state-1");
    expect(target.searchParams.get("code")).toBeTruthy();
    const clientInfo = Buffer.from(target.searchParams.get("client_info") ?? "", "base64url");
    expect(JSON.parse(clientInfo.toString())).toEqual({
      uid: "3b1f6d0a-5c27-4e8b-9a14-7d60c2e5f811",
      utid: HOME_TENANT.id,
    });
  });

  it("answers access_denied with AADSTS65004 to a person who declines", async () => {
    const { searchParams } = await signInAs(authorizationUrl(entra), "cancel");
    expect(searchParams.get("error")).toBe("access_denied");
    expect(searchParams.get("error_description")).toMatch(/^AADSTS65004: .* Trace ID: /);
    expect(searchParams.get("state")).toBe("state-1");
  });

  it("refuses an account of another tenant with AADSTS50020, on a page", async () => {
    await expect(signInAs(authorizationUrl(entra), "guest")).rejects.toThrow("AADSTS50020");
  });

  it("takes no form that it did not make", async () => {
    const forged = `${entra.url}/${HOME_TENANT.id}/oauth2/v2.0/authorize?ctx=forged`;
    const response = await fetch(forged, { method: "POST", body: "account=alice" });
    expect(response.status).toBe(400);
  });

  it("escapes what it shows", async () => {
    const response = await open({ redirect_uri: "http://evil.example/<script>alert(1)</script>" });
    expect(await response.text()).not.toContain("<script>alert");
  });

  it("posts the answer for response_mode=form_post", async () => {
    const page = await (await open({ response_mode: "form_post" })).text();
    const action = /action="([^"]+)"/.exec(page)?.[1] ?? "";
    const answer = await fetch(new URL(action, entra.url), {
      method: "POST",
      body: "account=bob",
    });
    const text = await answer.text();
    expect(text).toContain('<form method="post" action="http://localhost:7071/callback">');
    expect(text).toMatch(/name="code" value="1\./);
    expect(text).toContain('name="state" value="state-1"');
    expect(answer.headers.get("content-security-policy")).toContain("script-src 'sha256-");
  });

  it("puts the answer into the fragment for response_mode=fragment", async () => {
    const target = await signInAs(authorizationUrl(entra, { response_mode: "fragment" }), "bob");
    expect(target.search).toBe("");
    expect(new URLSearchParams(target.hash.slice(1)).get("code")).toBeTruthy();
  });

  it("shows the consent page for prompt=consent, and takes no for an answer", async () => {
    const page = await (await open({ prompt: "consent" })).text();
    const action = /action="([^"]+)"/.exec(page)?.[1] ?? "";
    const consent = await fetch(new URL(action, entra.url), {
      method: "POST",
      body: "account=alice",
    });
    const text = await consent.text();
    expect(text).toContain("Permissions requested");
    expect(text).toContain("Read your calendars");
    const declined = await fetch(new URL(/action="([^"]+)"/.exec(text)?.[1] ?? "", entra.url), {
      method: "POST",
      body: "decision=cancel",
      redirect: "manual",
    });
    expect(declined.headers.get("location")).toContain("error=access_denied");
  });
});

describe("errors before the redirect URI is known are pages, never redirects", () => {
  it.each([
    ["an unknown client", { client_id: "00000000-0000-0000-0000-000000000001" }, "AADSTS700016"],
    ["no client", { client_id: undefined }, "AADSTS90014"],
    ["another host", { redirect_uri: "https://evil.example/callback" }, "AADSTS50011"],
    ["another path", { redirect_uri: "http://localhost:7071/other" }, "AADSTS50011"],
    ["an added query", { redirect_uri: "http://localhost:7071/callback?x=1" }, "AADSTS50011"],
    ["https instead of http", { redirect_uri: "https://localhost/callback" }, "AADSTS50011"],
    ["IPv6 loopback", { redirect_uri: "http://[::1]:7071/callback" }, "AADSTS50011"],
    ["no redirect URI", { redirect_uri: undefined }, "AADSTS90014"],
  ])("%s", async (_what, overrides, code) => {
    const response = await open(overrides);
    expect(response.status).toBe(400);
    expect(response.headers.get("location")).toBeNull();
    expect(await response.text()).toContain(code);
  });

  it("an unknown tenant (AADSTS90002)", async () => {
    const response = await open({}, "00000000-0000-0000-0000-000000000002");
    expect(await response.text()).toContain("AADSTS90002");
  });
});

describe("other errors are sent to the redirect URI", () => {
  it.each([
    ["a resource parameter", { resource: "http://localhost:7071" }, "invalid_target", "9010010"],
    ["offline_access alone", { scope: "offline_access" }, "invalid_scope", "70011"],
    ["a scope that Graph does not have", { scope: "mcp" }, "invalid_client", "650053"],
    ["an identifier URI", { scope: "api://x/y" }, "invalid_resource", "500011"],
    ["two resources", { scope: "User.Read api://x/y" }, "invalid_scope", "28000"],
    ["no scope", { scope: undefined }, "invalid_request", "90014"],
    ["an implicit flow", { response_type: "id_token" }, "unsupported_response_type", "700054"],
    ["prompt=none", { prompt: "none" }, "login_required", "50058"],
    ["an unknown prompt", { prompt: "often" }, "invalid_request", "90023"],
    ["claims that are not JSON", { claims: "{" }, "invalid_request", "90023"],
    [
      "PKCE with plain",
      { code_challenge: pkce().challenge, code_challenge_method: "plain" },
      "invalid_request",
      "50147",
    ],
  ])("%s", async (_what, overrides, error, code) => {
    const answer = await redirectedError(overrides);
    expect(answer.get("error")).toBe(error);
    expect(answer.get("error_description")).toContain(`AADSTS${code}:`);
    expect(answer.get("state")).toBe("state-1");
  });
});

it("ignores the port of a loopback redirect URI, as Entra does", async () => {
  const url = authorizationUrl(entra, { redirect_uri: "http://127.0.0.1:55555/callback" });
  expect((await signInAs(url, "alice")).origin).toBe("http://127.0.0.1:55555");
});
