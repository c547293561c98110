import { describe, expect, it } from "vitest";
import { jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";

const facade = useFacade();

const VALID = { redirect_uris: ["http://localhost:33418/callback"] };

const register = (metadata: unknown) => facade.client.postJson("/register", metadata);

/** Posts a body as it is. */
const post = (body: string | Uint8Array<ArrayBuffer>, type = "application/json") =>
  facade.app.fetch(`${facade.app.baseUrl}/register`, {
    method: "POST",
    headers: { "content-type": type },
    body,
  });

describe("POST /register", () => {
  it("answers 201 with everything that holds for the client (RFC 7591 §3.2.1)", async () => {
    const response = await register({
      ...VALID,
      client_name: "An app",
      client_uri: "https://app.example",
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await jsonOf(response)).toEqual({
      client_id: expect.stringMatching(/^[A-Za-z0-9_-]{22}$/) as string,
      client_id_issued_at: Math.floor(facade.app.clock.now() / 1000),
      client_name: "An app",
      client_uri: "https://app.example",
      ...VALID,
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    });
  });

  it("gives every registration an id of its own, and never a secret", async () => {
    const first = await jsonOf(await register(VALID));
    const second = await jsonOf(await register(VALID));
    expect(first["client_id"]).not.toBe(second["client_id"]);
    expect(first).not.toHaveProperty("client_secret");
  });

  it.each([
    ["https", "https://app.example/cb"],
    ["http on localhost", "http://localhost/cb"],
    ["http on 127.0.0.1", "http://127.0.0.1:8080/cb"],
    ["http on [::1]", "http://[::1]:8080/cb"],
    ["a scheme of the app's own (RFC 8252 §7.1)", "com.example.app:/cb"],
    ["such a scheme without a dot, as Cursor has it", "cursor://anysphere.cursor-mcp/oauth/cb"],
    ["a query", "https://app.example/cb?tenant=1"],
  ])("accepts a redirect URI with %s", async (_what, uri) => {
    const response = await register({ redirect_uris: [uri] });
    expect(response.status).toBe(201);
    expect(await jsonOf(response)).toMatchObject({ redirect_uris: [uri] });
  });

  it.each([
    ["plain http elsewhere (OAuth 2.1 §2.3.1)", "http://app.example/cb"],
    ["a fragment (RFC 6749 §3.1.2)", "https://app.example/cb#here"],
    ["an empty fragment", "https://app.example/cb#"],
    ["user information", "https://app.example@evil.example/cb"],
    ["a relative URI", "/cb"],
    ["no URI", "callback"],
    ["an empty text", ""],
    ["javascript:", "javascript:alert(1)"],
    ["javascript: in capitals", "JavaScript:alert(1)"],
    ["data:", "data:text/html,hello"],
    ["file:", "file:///etc/passwd"],
    ["blob:", "blob:https://app.example/1"],
    ["a space", "https://app.example/a b"],
    ["a line break", "https://app.example/a\r\nSet-Cookie: x=1"],
    ["a backslash", "https://app.example\\@evil.example/"],
    ["characters outside of ASCII (RFC 3986 §2)", "https://app.example/回"],
    ["a host name outside of ASCII", "https://äpp.example/cb"],
    ["a host that only begins like localhost", "http://localhost.evil.example/cb"],
    ["2,049 characters", `https://app.example/${"a".repeat(2_029)}`],
  ])("refuses a redirect URI with %s", async (_what, uri) => {
    expect(await refusalOf(await register({ redirect_uris: [uri] }))).toBe(
      "400 invalid_redirect_uri",
    );
    const among = await register({ redirect_uris: [...VALID.redirect_uris, uri] });
    expect(await refusalOf(among)).toBe("400 invalid_redirect_uri");
  });

  it.each([
    ["none", { redirect_uris: [] }],
    ["none at all", {}],
    [
      "twenty-one",
      { redirect_uris: Array.from({ length: 21 }, (_, n) => `https://a.example/${n}`) },
    ],
    ["a text", { redirect_uris: "https://app.example/cb" }],
    ["numbers", { redirect_uris: [1] }],
    ["nothing", { redirect_uris: null }],
    [
      "more text than a row holds",
      {
        redirect_uris: Array.from({ length: 20 }, (_, n) =>
          `https://app.example/${n}/`.padEnd(2_000, "a"),
        ),
      },
    ],
  ])("refuses redirect_uris that are %s (RFC 7591 §3.2.2)", async (_what, metadata) => {
    expect(await refusalOf(await register(metadata))).toBe("400 invalid_redirect_uri");
  });

  it.each([
    ["client_name that is no text", { ...VALID, client_name: 7 }],
    ["client_name of 201 characters", { ...VALID, client_name: "x".repeat(201) }],
    ["client_uri that is no URI", { ...VALID, client_uri: "app" }],
    ["client_uri with javascript:", { ...VALID, client_uri: "javascript:alert(1)" }],
    [
      "client_uri of 2,049 characters",
      { ...VALID, client_uri: `https://app.example/${"a".repeat(2_029)}` },
    ],
    ["response_types without code", { ...VALID, response_types: ["token"] }],
    ["grant_types that are no list", { ...VALID, grant_types: "authorization_code" }],
    ["an array for an object", [VALID]],
    ["a text for an object", "hello"],
    ["null for an object", null],
  ])("refuses %s with invalid_client_metadata (RFC 7591 §3.2.2)", async (_what, metadata) => {
    expect(await refusalOf(await register(metadata))).toBe("400 invalid_client_metadata");
  });

  it.each([
    ["no JSON", 400, "{", "application/json"],
    ["an empty body", 400, "", "application/json"],
    ["bytes that are not UTF-8", 400, new Uint8Array([0x22, 0xff, 0x22]), "application/json"],
    ["64 KiB and more", 413, JSON.stringify("x".repeat(65_536)), "application/json"],
    ["a form", 415, "redirect_uris=x", "application/x-www-form-urlencoded"],
    ["JSON called text", 415, JSON.stringify(VALID), "text/plain"],
    ["a thousand nested arrays", 400, "[".repeat(1_000) + "]".repeat(1_000), "application/json"],
  ])("answers a body of %s with %i", async (_what, status, body, type) => {
    const response = await post(body, type);
    expect(response.status).toBe(status);
    expect(String((await jsonOf(response))["error"])).toMatch(
      /^invalid_(request|client_metadata)$/,
    );
  });

  it("takes a client's guesses and says what holds instead (RFC 7591 §3.2.1)", async () => {
    const response = await register({
      ...VALID,
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["authorization_code"],
      scope: "openid offline_access",
      application_type: "native",
      unheard_of: { deep: [1] },
    });
    expect(response.status).toBe(201);
    expect(await jsonOf(response)).toMatchObject({
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
    });
  });

  it("names a client that gives no name", async () => {
    expect(await jsonOf(await register({ ...VALID, client_name: "  " }))).toMatchObject({
      client_name: "Unnamed client",
    });
  });

  it("answers other methods with 405 and Allow", async () => {
    const response = await facade.get("/register");
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("POST, OPTIONS");
  });
});
