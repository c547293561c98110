import { describe, expect, it } from "vitest";
import { expectPage } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { signIn } from "../support/sign-in.ts";

const facade = useFacade();

const REGISTERED = "https://app.example/cb";

describe("an attacker who bends the redirect URI of a known client gets a page and no redirect (RFC 9700 §4.1)", () => {
  it.each([
    ["user information before another host", "https://app.example@evil.example/cb"],
    ["user information before the same host", "https://evil@app.example/cb"],
    ["empty user information", "https://@app.example/cb"],
    ["a password", "https://app.example:443@evil.example/cb"],
    ["a fragment", `${REGISTERED}#@evil.example`],
    ["an empty fragment", `${REGISTERED}#`],
    ["a host as a fragment of the host", "https://evil.example#app.example/cb"],
    ["a host in a query of another", "https://evil.example?app.example/cb"],
    ["a host that ends in the known one", "https://evil-app.example/cb"],
    ["the known host as a label of another", "https://app.example.evil.example/cb"],
    ["a subdomain", "https://evil.app.example/cb"],
    ["a dot at the end of the host", "https://app.example./cb"],
    ["an encoded slash", "https://app.example%2f.evil.example/cb"],
    ["an encoded slash in the path", "https://app.example/x%2f..%2fcb"],
    ["an encoded letter", "https://app.example/%63b"],
    ["a slash encoded twice", "https://app.example/%252e%252e/cb"],
    ["dot segments", "https://app.example/open-redirect/../cb"],
    ["encoded dot segments", "https://app.example/x/%2e%2e/cb"],
    ["one dot", "https://app.example/./cb"],
    ["two slashes", "https://app.example//cb"],
    ["three slashes before the host", "https:///app.example/cb"],
    ["no slashes before the host", "https:app.example/cb"],
    ["backslashes", "https:\\\\app.example\\cb"],
    ["a backslash before an at", "https://evil.example\\@app.example/cb"],
    ["a path in capitals", "https://app.example/CB"],
    ["a host in capitals", "https://APP.example/cb"],
    ["a scheme in capitals", "HTTPS://app.example/cb"],
    ["Cyrillic letters in the host", "https://\u0430pp.example/cb"],
    ["full-width letters in the host", "https://\uff41pp.example/cb"],
    ["an ideographic full stop in the host", "https://app\u3002example/cb"],
    ["a soft hyphen in the host", "https://app.exam\u00adple/cb"],
    ["the default port", "https://app.example:443/cb"],
    ["another port of a host that is not this machine", "https://app.example:8443/cb"],
    ["an empty port", "https://app.example:/cb"],
    ["plain http", "http://app.example/cb"],
    ["an added query", `${REGISTERED}?next=https://evil.example`],
    ["an added parameter of ours", `${REGISTERED}?code=stolen`],
    ["an added path", `${REGISTERED}/../../evil`],
    ["path parameters", `${REGISTERED};evil`],
    ["a space at the end", `${REGISTERED} `],
    ["a tab in the host", "https://app.exa\tmple/cb"],
    ["a line break", `${REGISTERED}\r\nLocation: https://evil.example`],
    ["a null byte", `${REGISTERED}\u0000.evil.example`],
    ["a wildcard", "https://*.example/cb"],
    ["no scheme", "//app.example/cb"],
    ["a path", "/cb"],
    ["nothing", ""],
    ["two in one", `${REGISTERED},https://evil.example`],
  ])("%s", async (_trick, requested) => {
    await facade.client.register({
      // The second one, or an empty parameter would mean the only one that there is.
      redirect_uris: [REGISTERED, "https://app.example/other"],
    });
    const url = facade.client.authorizationUrl({ redirect_uri: requested });
    await expectPage(await facade.browser().get(url), 400);
  });

  it.each([
    ["another loopback name", "http://127.0.0.1:33418/callback"],
    ["loopback over https", "https://localhost:33418/callback"],
    ["a decimal address", "http://2130706433:33418/callback"],
    ["a short address", "http://127.1:33418/callback"],
    ["an address of the whole loopback net", "http://127.0.0.2:33418/callback"],
    ["every interface", "http://0.0.0.0:33418/callback"],
    ["loopback as IPv4 in IPv6", "http://[::ffff:127.0.0.1]:33418/callback"],
    ["a port with user information behind it", "http://localhost:33418@evil.example/callback"],
    ["a port that is none", "http://localhost:65536/callback"],
    ["a port with letters", "http://localhost:33418a/callback"],
    ["an empty port", "http://localhost:/callback"],
    ["localhost as a label of another host", "http://localhost.evil.example:33418/callback"],
    ["a dot at the end of localhost", "http://localhost.:33418/callback"],
    ["dot segments on an open port", "http://localhost:1/x/../callback"],
    ["an added query on an open port", "http://localhost:1/callback?x"],
    ["a fragment on an open port", "http://localhost:1/callback#x"],
  ])("%s, with a loopback client", async (_trick, requested) => {
    const url = facade.client.authorizationUrl({ redirect_uri: requested });
    await expectPage(await facade.browser().get(url), 400);
  });

  it("and the person's sign-in at the true client goes on as before", async () => {
    const evil = facade.client.authorizationUrl({ redirect_uri: "https://evil.example/cb" });
    await expectPage(await facade.browser().get(evil), 400);
    const { access_token } = await facade.client.tokens();
    expect(await facade.sseStatus(access_token)).toBe(200);
  });
});

describe("an attacker cannot register a redirect URI that a browser reads differently than we do (RFC 9700 §4.1.3)", () => {
  it.each([
    ["no slashes: relative to a page of ours", "https:evil.example/cb"],
    ["one slash: a path of ours", "https:/evil.example/cb"],
    ["three slashes", "https:///evil.example/cb"],
    ["no slashes on loopback", "http:localhost/cb"],
    ["empty user information", "https://@evil.example/cb"],
    ["an empty name and password", "https://:@evil.example/cb"],
    ["user information of a scheme of its own", "app://known.example@evil.example/cb"],
    ["backslashes", "https:\\\\evil.example"],
    ["a script", "javascript:alert(document.cookie)"],
    ["a script in capitals", "JaVaScRiPt:alert(1)"],
    ["a script behind a line break", "java\nscript:alert(1)"],
    ["a script behind a space", " javascript:alert(1)"],
    ["a document", "data:text/html,<script>alert(1)</script>"],
    ["a document inside another scheme", "view-source:javascript:alert(1)"],
    ["a blob", "blob:https://app.example/6d0a"],
    ["a file", "file:///etc/passwd"],
    ["a file in an archive", "jar:https://evil.example/x.jar!/x.html"],
    ["an Android intent", "intent://scan/"],
    ["a page of the browser itself", "chrome://settings/"],
    ["a login at another machine", "ssh://evil.example/"],
    ["plain http to another machine", "http://evil.example/cb"],
  ])("%s", async (_trick, uri) => {
    const answer = await facade.client.postJson("/register", { redirect_uris: [uri] });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: "invalid_redirect_uri" });
  });

  it("and the host that the person judges is written in ASCII (homographs, RFC 9700 §4.1)", async () => {
    await facade.client.register({ redirect_uris: ["https://xn--pple-43d.example/cb"] });
    const url = facade.client.authorizationUrl({
      redirect_uri: "https://xn--pple-43d.example/cb",
    });
    const page = await expectPage(await facade.browser().get(url), 200);
    expect(page).toContain("<bdi>xn--pple-43d.example</bdi>");
  });
});

it("a code goes only to the URI that was checked, character by character (RFC 9700 §4.1.3)", async () => {
  const redirectUri = "https://app.example/a/../cb?tenant=1%2f2";
  await facade.client.register({ redirect_uris: [redirectUri] });
  const url = facade.client.authorizationUrl({ redirect_uri: redirectUri });
  const entra = await signIn(facade.browser(), url, "alice");
  expect(entra.href.startsWith("https://app.example/cb?tenant=1%2f2&code=")).toBe(true);
});
