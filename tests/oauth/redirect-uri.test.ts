import { describe, expect, it } from "vitest";
import {
  isLoopbackRedirect,
  redirectHost,
  redirectUriFault,
  redirectUriMatches,
} from "../../shared/oauth/redirect-uri.ts";

describe("what a client may register", () => {
  it.each([
    "https://claude.ai/api/mcp/auth_callback",
    "https://app.example:8443/cb?tenant=1",
    "http://localhost",
    "http://localhost:33418/",
    "http://127.0.0.1:33418/callback",
    "http://[::1]:33418/callback",
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "com.example.app:/callback",
    "vscode://vscode.github-authentication/did-authenticate",
  ])("is %s", (uri) => {
    expect(redirectUriFault(uri)).toBeUndefined();
  });

  it.each([
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://mcp.example.com/1",
    "about:blank",
    "view-source:https://a.example",
    "ws://a.example",
    "mailto:a@b.example",
    "ftp://a.example",
  ])("is nothing that a browser itself acts on: refuses %s", (uri) => {
    expect(redirectUriFault(uri)).toBe("has a scheme that is not allowed");
  });

  it.each([
    ["http://app.example/cb", "uses http"],
    ["http://localhost.evil.example/cb", "uses http"],
    ["http://192.168.0.1/cb", "uses http"],
    ["http://0.0.0.0/cb", "uses http"],
    ["https://app.example/cb#x", "fragment"],
    ["https://app.example/cb#", "fragment"],
    ["https://user@app.example/cb", "user information"],
    ["https://user:pw@app.example/cb", "user information"],
    ["http://localhost:1@evil.example/", "user information"],
    ["/callback", "absolute"],
    ["app.example/cb", "absolute"],
    ["", "absolute"],
    ["https://", "absolute"],
    ["https://app.example\\@evil.example/", "encoded"],
    ["https://app.example/a b", "encoded"],
    ["https://app.example/\ncb", "encoded"],
    [" https://app.example/cb", "encoded"],
    ["java\nscript:alert(1)", "encoded"],
    ["https://app.example/\u007f", "encoded"],
    [`https://app.example/${"x".repeat(2_048)}`, "2048 characters"],
  ])("is not %j, which %s", (uri, reason) => {
    expect(redirectUriFault(uri)).toContain(reason);
  });
});

describe("a requested redirect URI", () => {
  it.each([
    ["https://app.example/cb", "https://app.example/cb"],
    ["cursor://x/cb", "cursor://x/cb"],
    // RFC 8252 §7.3: the port is the system's.
    ["http://localhost:50001/cb", "http://localhost:33418/cb"],
    ["http://localhost:50001/cb", "http://localhost/cb"],
    ["http://localhost/cb", "http://localhost:33418/cb"],
    ["http://127.0.0.1:50001/cb", "http://127.0.0.1:33418/cb"],
    ["http://[::1]:50001/cb", "http://[::1]:33418/cb"],
    ["http://localhost:50001", "http://localhost:33418"],
    ["http://localhost:50001/cb?x=1", "http://localhost:33418/cb?x=1"],
  ])("%s matches %s", (requested, registered) => {
    expect(redirectUriMatches(requested, registered)).toBe(true);
  });

  it.each([
    ["another port elsewhere", "https://app.example:444/cb", "https://app.example/cb"],
    ["https on this machine", "https://localhost:50001/cb", "https://localhost:33418/cb"],
    ["another path", "http://localhost:1/other", "http://localhost:1/cb"],
    ["a path that goes on", "http://localhost:1/cb/more", "http://localhost:1/cb"],
    ["a slash more (character by character)", "https://app.example/cb/", "https://app.example/cb"],
    ["another query", "http://localhost:1/cb?a=1", "http://localhost:1/cb"],
    ["another case of the host", "https://APP.example/cb", "https://app.example/cb"],
    ["another loopback name", "http://127.0.0.1:1/cb", "http://localhost:1/cb"],
    ["a host behind user info", "http://localhost:1@evil.example/cb", "http://localhost:1/cb"],
    ["a longer host", "http://localhost.evil.example/cb", "http://localhost/cb"],
    ["a port that is none", "http://localhost:99999/cb", "http://localhost:1/cb"],
    ["dots that resolve to the same path", "http://localhost:1/x/../cb", "http://localhost:1/cb"],
    ["another scheme", "cursor://x/cb", "vscode://x/cb"],
  ])("does not match with %s", (_, requested, registered) => {
    expect(redirectUriMatches(requested, registered)).toBe(false);
  });
});

describe("for the consent page", () => {
  it("says whether the way back leads to this machine, where any program could listen", () => {
    expect(isLoopbackRedirect("http://localhost:1/cb")).toBe(true);
    expect(isLoopbackRedirect("http://[::1]/cb")).toBe(true);
    expect(isLoopbackRedirect("https://localhost/cb")).toBe(false);
    expect(isLoopbackRedirect("https://app.example/cb")).toBe(false);
    expect(isLoopbackRedirect("cursor://localhost/cb")).toBe(false);
    expect(isLoopbackRedirect("no url")).toBe(false);
  });

  it("names the host, or the scheme where a host says nothing", () => {
    expect(redirectHost("https://app.example:8443/cb")).toBe("app.example:8443");
    expect(redirectHost("http://localhost:33418/cb")).toBe("localhost:33418");
    expect(redirectHost("cursor://claude.ai/cb")).toBe("cursor://");
    expect(redirectHost("com.example.app:/cb")).toBe("com.example.app://");
  });
});
