import { describe, expect, it } from "vitest";
import { answerOnPage, answerTo, expectPage } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { FakeDocuments } from "../support/fake-documents.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";
import { createTestApp } from "../support/test-app.ts";
import { location, parseForm } from "../support/user-agent.ts";

const facade = useFacade();

type Changes = Record<string, string | undefined>;

const authorize = (changes: Changes = {}, more: readonly [string, string][] = []) => {
  const url = facade.client.authorizationUrl(changes);
  for (const [name, value] of more) url.searchParams.append(name, value);
  return facade.app.fetch(url);
};

const refusal = async (changes: Changes, more: readonly [string, string][] = []) =>
  answerTo(REDIRECT_URI, await authorize(changes, more));

const scopesOn = async (changes: Changes) => {
  const markup = await expectPage(await authorize(changes), 200);
  return /<dt>Scopes<\/dt>\s*<dd><code>([^<]*)/.exec(markup)?.[1];
};

describe("GET /authorize shows a page and redirects nowhere (RFC 6749 §4.1.2.1)", () => {
  it.each<[string, Changes, [string, string][]?]>([
    ["without a client id", { client_id: undefined }],
    ["for a client that nobody registered", { client_id: "AAAAAAAAAAAAAAAAAAAAAA" }],
    ["for a client id that is not one of ours", { client_id: "../../keys" }],
    ["for a client id that is a URL", { client_id: "https://app.example/client.json" }],
    ["for a redirect URI of somebody else", { redirect_uri: "https://evil.example/cb" }],
    ["for another path", { redirect_uri: "http://localhost:33418/callback/more" }],
    ["for a path that leads back", { redirect_uri: "http://localhost:33418/x/../callback" }],
    ["for an added query", { redirect_uri: `${REDIRECT_URI}?next=evil` }],
    ["for an added fragment", { redirect_uri: `${REDIRECT_URI}#x` }],
    ["for another loopback name", { redirect_uri: "http://127.0.0.1:33418/callback" }],
    ["for https where http is registered", { redirect_uri: "https://localhost:33418/callback" }],
    ["for user information", { redirect_uri: "http://localhost:33418@evil.example/callback" }],
    ["for a host with localhost in it", { redirect_uri: "http://localhost.evil.example/callback" }],
    ["for a port that is none", { redirect_uri: "http://localhost:99999/callback" }],
    ["for a script", { redirect_uri: "javascript:alert(1)" }],
    ["for a line break", { redirect_uri: `${REDIRECT_URI}\r\nX: y` }],
    ["for two client ids", {}, [["client_id", "AAAAAAAAAAAAAAAAAAAAAA"]]],
    ["for two redirect URIs", {}, [["redirect_uri", REDIRECT_URI]]],
    ["for two states", {}, [["state", "another"]]],
    [
      "for two redirect URIs, whatever else comes twice before them",
      { scope: "mcp" },
      [
        ["scope", "mcp"],
        ["redirect_uri", "https://evil.example/cb"],
      ],
    ],
  ])("%s", async (_what, changes, more) => {
    const response = await authorize(changes, more);
    const markup = await expectPage(response, 400);
    expect(response.headers.getSetCookie()).toEqual([]);
    expect(markup).not.toContain("evil.example");
  });
});

describe("GET /authorize sends an error to the client, with state and iss (RFC 6749 §4.1.2.1)", () => {
  it.each<[string, string, Changes, [string, string][]?]>([
    ["invalid_request", "without response_type", { response_type: undefined }],
    ["unsupported_response_type", "for the implicit grant", { response_type: "token" }],
    ["unsupported_response_type", "for the hybrid flow", { response_type: "code id_token" }],
    ["invalid_request", "for another response mode", { response_mode: "fragment" }],
    ["invalid_request", "without a challenge (RFC 7636 §4.4.1)", { code_challenge: undefined }],
    ["invalid_request", "for the plain method", { code_challenge_method: "plain" }],
    [
      "invalid_request",
      "without a method, which means plain",
      { code_challenge_method: undefined },
    ],
    ["invalid_request", "for a short challenge", { code_challenge: "abc" }],
    ["invalid_request", "for a padded challenge", { code_challenge: `${"A".repeat(43)}=` }],
    ["request_not_supported", "for a request object", { request: "e30.e30." }],
    ["request_uri_not_supported", "for a request URI", { request_uri: "https://app.example/r" }],
    ["interaction_required", "for prompt=none", { prompt: "none" }],
    ["invalid_target", "for a foreign resource", { resource: "https://graph.microsoft.com" }],
    ["invalid_target", "for a resource that is no URL", { resource: "sse" }],
    ["invalid_target", "for two resources", {}, [["resource", "http://localhost:7071"]]],
    ["invalid_scope", "for a scope with a quotation mark", { scope: 'mcp "' }],
    ["invalid_scope", "for a scope with a line break", { scope: "mcp\nuser.read" }],
    ["invalid_scope", "for a scope outside of ASCII", { scope: "mcp é" }],
    ["invalid_request", "for two scopes", { scope: "mcp" }, [["scope", "mcp"]]],
    ["invalid_request", "for two challenges", {}, [["code_challenge", "x"]]],
    ["invalid_request", "for two unknown parameters", { x: "1" }, [["x", "2"]]],
  ])("%s %s", async (error, _what, changes, more) => {
    const answer = await refusal(changes, more);
    expect(answer).toEqual({
      error,
      error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/) as string,
      state: "the-state",
      iss: facade.app.baseUrl,
    });
  });

  it("invalid_request for a state that no URL could carry back", async () => {
    expect(await refusal({ state: "s".repeat(4_097) })).toMatchObject({ error: "invalid_request" });
  });

  it("with the very state, whatever is in it", async () => {
    const state = "a&error=x b+c%20=é\u0000🙂'\"<";
    expect(await refusal({ state, prompt: "none" })).toMatchObject({ state });
  });

  it("without state where none came", async () => {
    expect(await refusal({ state: undefined, prompt: "none" })).not.toHaveProperty("state");
  });

  it("keeping the query of the redirect URI (RFC 6749 §3.1.2)", async () => {
    const uri = "cursor://app/cb?tenant=1";
    await facade.client.register({ redirect_uris: [uri] });
    const response = await authorize({ redirect_uri: uri, prompt: "none" });
    expect(location(response).href).toMatch(/^cursor:\/\/app\/cb\?tenant=1&error=/);
  });
});

describe("GET /authorize says a fault on a page, with a link to the client (RFC 9700 §4.11.2)", () => {
  const SITE = "https://app.example/cb?tenant=1";

  it.each<[string, string, Changes]>([
    ["invalid_scope", "an invalid scope", { scope: '"' }],
    ["unsupported_response_type", "an invalid response type", { response_type: "token" }],
    ["invalid_target", "a foreign resource", { resource: "https://graph.microsoft.com" }],
    ["invalid_request", "no challenge", { code_challenge: undefined }],
    ["interaction_required", "prompt=none", { prompt: "none" }],
  ])("%s for %s, where anybody could have registered the site", async (error, _what, changes) => {
    await facade.client.register({ client_name: "The <b>app</b>", redirect_uris: [SITE] });
    const response = await authorize({ redirect_uri: SITE, ...changes });
    const markup = await response.clone().text();
    expect(await answerOnPage("https://app.example/cb", response)).toEqual({
      tenant: "1",
      error,
      error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/) as string,
      state: "the-state",
      iss: facade.app.baseUrl,
    });
    expect(markup).toContain("<bdi>The &lt;b&gt;app&lt;/b&gt;</bdi>");
    expect(markup).toContain("<bdi>app.example</bdi>");
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it("where somebody publishes a document about the site", async () => {
    const id = "https://app.example/client.json";
    const documents = new FakeDocuments();
    documents.publish(id, { client_id: id, client_name: "App", redirect_uris: [SITE] });
    const app = createTestApp({ fetchDocument: documents.fetch });
    const client = new OAuthTestClient(app.baseUrl, app.fetch);
    client.id = id;
    const url = client.authorizationUrl({ redirect_uri: SITE, scope: '"' });
    const answer = await answerOnPage("https://app.example/cb", await app.fetch(url));
    expect(answer).toHaveProperty("error", "invalid_scope");
  });

  it("but sends the error on at once where the operator has entered the client", async () => {
    const clients = [{ client_id: "ours", redirect_uris: [SITE] }];
    const app = createTestApp({ env: { REGISTERED_CLIENTS: JSON.stringify(clients) } });
    const client = new OAuthTestClient(app.baseUrl, app.fetch);
    client.id = "ours";
    const url = client.authorizationUrl({ redirect_uri: SITE, scope: '"' });
    const answer = answerTo("https://app.example/cb", await app.fetch(url));
    expect(answer).toMatchObject({ error: "invalid_scope", tenant: "1" });
  });

  it("and sends the person's own no back at once: they were told where it goes", async () => {
    await facade.client.register({ redirect_uris: [SITE] });
    const agent = facade.browser();
    const page = await agent.get(facade.client.authorizationUrl({ redirect_uri: SITE }));
    const { action, fields } = parseForm(await page.text());
    const denied = { ...fields, decision: "deny" };
    const answer = await agent.post(new URL(action, facade.app.baseUrl), denied);
    expect(answerTo("https://app.example/cb", answer)).toMatchObject({ error: "access_denied" });
  });
});

describe("GET /authorize accepts", () => {
  it("any port of a loopback redirect URI (RFC 8252 §7.3)", async () => {
    const redirectUri = "http://localhost:50123/callback";
    await expectPage(await authorize({ redirect_uri: redirectUri }), 200);
    const response = await authorize({ redirect_uri: redirectUri, prompt: "none" });
    expect(answerTo(redirectUri, response)).toMatchObject({ error: "interaction_required" });
  });

  it("no redirect URI where exactly one is registered (OAuth 2.1 §4.1.1)", async () => {
    await expectPage(await authorize({ redirect_uri: undefined }), 200);
    await facade.client.register({ redirect_uris: [REDIRECT_URI, "https://app.example/cb"] });
    await expectPage(await authorize({ redirect_uri: undefined }), 400);
  });

  it.each(["prompt", "scope", "resource", "response_mode", "redirect_uri", "state"])(
    "an empty %s as one that is not there (RFC 6749 §3.1)",
    async (name) => {
      await expectPage(await authorize({ [name]: "" }), 200);
    },
  );

  it.each([
    ["the server", "http://localhost:7071"],
    ["the server with a slash", "http://localhost:7071/"],
    ["the server in capitals", "HTTP://LOCALHOST:7071"],
    ["the HTTP+SSE endpoint", "http://localhost:7071/sse"],
  ])("%s as the resource (RFC 8707 §2)", async (_what, resource) => {
    await expectPage(await authorize({ resource }), 200);
  });

  it("scopes that it does not know, and drops them (RFC 6749 §3.3)", async () => {
    expect(await scopesOn({ scope: "openid offline_access user.read" })).toBe("mcp user.read");
  });

  it("no scope, and takes the default of the resource", async () => {
    expect(await scopesOn({})).toBe("mcp user.read calendar.read");
    expect(await scopesOn({ resource: undefined })).toBe("mcp user.read");
    expect(await scopesOn({ resource: undefined, scope: "openid" })).toBe("mcp user.read");
  });

  it("HEAD, as every page", async () => {
    const url = facade.client.authorizationUrl();
    const response = await facade.app.fetch(url, { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });
});

describe("GET /authorize", () => {
  it("stores nothing and asks Entra nothing before the person has approved", async () => {
    const before = facade.entra.requests();
    const response = await authorize();
    expect(facade.entra.requests()).toEqual(before);
    const cookies = response.headers.getSetCookie();
    expect(cookies).toHaveLength(1);
    expect(cookies[0]).toMatch(/^dev-csrf=[A-Za-z0-9_-]{43}; .*HttpOnly; SameSite=Lax/);
    expect(parseForm(await response.text()).action).toBe("/consent");
  });

  it("refuses POST with 405", async () => {
    const response = await facade.client.postForm("/authorize", {});
    await expectPage(response, 405);
    expect(response.headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });
});
