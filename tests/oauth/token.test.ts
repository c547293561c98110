import { describe, expect, it } from "vitest";
import { jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";

const facade = useFacade();

const post = (
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { "content-type": "application/x-www-form-urlencoded" },
) => facade.app.fetch(`${facade.app.baseUrl}/token`, { method: "POST", headers, body });

describe("POST /token", () => {
  it.each([
    ["400 invalid_request", "without grant_type", {}],
    ["400 invalid_request", "with an empty grant_type", { grant_type: "" }],
    ["400 unsupported_grant_type", "for passwords", { grant_type: "password" }],
    ["400 unsupported_grant_type", "for client credentials", { grant_type: "client_credentials" }],
    ["400 unsupported_grant_type", "for a name of Object", { grant_type: "constructor" }],
    ["401 invalid_client", "without client_id", { grant_type: "authorization_code" }],
    [
      "401 invalid_client",
      "for a client that nobody registered, so that it registers anew",
      { grant_type: "refresh_token", client_id: "AAAAAAAAAAAAAAAAAAAAAA" },
    ],
    [
      "401 invalid_client",
      "for a client id that is not one of ours",
      { grant_type: "refresh_token", client_id: "../keys" },
    ],
  ])("answers %s %s (RFC 6749 §5.2)", async (refusal, _what, fields) => {
    const response = await facade.client.postForm("/token", fields);
    expect(await refusalOf(response)).toBe(refusal);
  });

  it.each([
    [400, "an empty body", ""],
    [400, "a body that is no form", "{}"],
    [400, "a parameter that comes twice", "grant_type=refresh_token&grant_type=refresh_token"],
    [400, "bytes that are not UTF-8", new Uint8Array([0x67, 0xff])],
    [413, "64 KiB and more", `grant_type=${"x".repeat(65_536)}`],
  ])("answers %i to %s", async (status, _what, body) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(await jsonOf(response)).toMatchObject({ error: "invalid_request" });
  });

  it.each([
    ["JSON", { "content-type": "application/json" }],
    ["multipart", { "content-type": "multipart/form-data; boundary=x" }],
    ["nothing in particular", { "content-type": "" }],
  ])("answers 415 to a body of %s", async (_what, headers) => {
    const response = await post("grant_type=refresh_token", headers);
    expect(response.status).toBe(415);
    expect(await jsonOf(response)).toMatchObject({ error: "invalid_request" });
  });

  it("reads a form whose media type has parameters and capitals", async () => {
    const headers = { "content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8" };
    expect(await refusalOf(await post("grant_type=password", headers))).toBe(
      "400 unsupported_grant_type",
    );
  });

  it("does not take parameters from the URL (RFC 6749 §3.2, OAuth 2.1 §3.2)", async () => {
    const code = await facade.client.code();
    const query = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: facade.client.id,
      code,
      code_verifier: facade.client.verifier,
    });
    const response = await facade.client.postForm(`/token?${query}`, {});
    expect(await refusalOf(response)).toBe("400 invalid_request");
    expect((await facade.client.redeem(code)).status).toBe(200);
  });

  it("names a scheme to a client that tried one in vain (RFC 6749 §5.2)", async () => {
    const response = await post("grant_type=refresh_token&refresh_token=x", {
      "content-type": "application/x-www-form-urlencoded",
      authorization: `Basic ${btoa("somebody:secret")}`,
    });
    expect(response.headers.get("www-authenticate")).toMatch(/^Basic /);
    expect(await refusalOf(response)).toBe("401 invalid_client");
  });

  it("shows a fault of ours as 503 temporarily_unavailable, on which clients keep their tokens", async () => {
    const { refresh_token: token } = await facade.client.tokens();
    const broken = facade.app.store;
    const get = broken.get.bind(broken);
    broken.get = () => Promise.reject(new Error("secret detail"));
    const response = await facade.client.refresh(token);
    broken.get = get;
    expect(response.headers.get("retry-after")).toBe("5");
    const text = await response.clone().text();
    expect(text).not.toContain("secret detail");
    expect(await refusalOf(response)).toBe("503 temporarily_unavailable");
    expect((await facade.client.refresh(token)).status).toBe(200);
  });

  it("answers GET with 405, and a preflight of any origin with what it may send", async () => {
    const get = await facade.get("/token");
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
    const preflight = await facade.app.fetch(`${facade.app.baseUrl}/token`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-headers": "content-type, mcp-protocol-version",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toBe(
      "content-type, mcp-protocol-version",
    );
  });
});
