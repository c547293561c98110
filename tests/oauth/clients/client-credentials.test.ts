import { describe, expect, it } from "vitest";
import { clientCredentials } from "../../../shared/oauth/clients/client-credentials.ts";

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
const read = (authorization: string | null, fields: Record<string, string> = {}) =>
  clientCredentials(authorization, new URLSearchParams(fields));

/** An unsigned JWT: who signed it is not asked here. */
const assertion = (sub: string) =>
  `${btoa('{"alg":"ES256"}')}.${btoa(JSON.stringify({ sub }))}.x`.replaceAll("=", "");
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

describe("client credentials", () => {
  it("reads the id of a public client from the form (RFC 6749 §3.2.1)", () => {
    expect(read(null, { client_id: "a" })).toEqual({ kind: "none", clientId: "a" });
  });

  it("reads a secret from the form (RFC 6749 §2.3.1)", () => {
    expect(read(null, { client_id: "a", client_secret: "s" })).toEqual({
      kind: "secret",
      clientId: "a",
      secrets: ["s"],
    });
  });

  it("counts an empty secret as none (RFC 6749 §3.2)", () => {
    expect(read(null, { client_id: "a", client_secret: "" })).toMatchObject({ kind: "none" });
    expect(read(basic("a:"))).toEqual({ kind: "none", clientId: "a" });
  });

  it("reads Basic credentials, form-urlencoded as they are to be (RFC 6749 §2.3.1)", () => {
    expect(read(basic("a%2Db:s%3A%25+t"))).toMatchObject({ clientId: "a-b" });
    expect(read(basic("a:s%3A%25+t"))).toMatchObject({ secrets: ["s:% t", "s%3A%25+t"] });
  });

  it("reads Basic credentials of clients that do not encode them", () => {
    expect(read(basic("a:1%zz:+"))).toEqual({
      kind: "secret",
      clientId: "a",
      secrets: ["1%zz:+", "1%zz:+"],
    });
  });

  it("takes the name of the scheme in any case (RFC 9110 §11.1)", () => {
    expect(read(basic("a:s").replace("Basic", "bAsIc"))).toMatchObject({ clientId: "a" });
  });

  it("accepts the same client_id in the form beside Basic", () => {
    expect(read(basic("a:s"), { client_id: "a" })).toMatchObject({ clientId: "a" });
  });

  it("takes the client of an assertion from its subject (RFC 7521 §4.2)", () => {
    const fields = { client_assertion: assertion("a"), client_assertion_type: ASSERTION_TYPE };
    expect(read(null, fields)).toMatchObject({ kind: "assertion", clientId: "a" });
  });

  it.each([
    ["Basic and a secret", basic("a:s"), { client_id: "a", client_secret: "s" }],
    [
      "Basic and an assertion",
      basic("a:s"),
      { client_assertion: assertion("a"), client_assertion_type: ASSERTION_TYPE },
    ],
    [
      "a secret and an assertion",
      null,
      {
        client_id: "a",
        client_secret: "s",
        client_assertion: assertion("a"),
        client_assertion_type: ASSERTION_TYPE,
      },
    ],
    ["another client_id beside Basic", basic("a:s"), { client_id: "b" }],
    [
      "another client_id beside an assertion",
      null,
      {
        client_id: "b",
        client_assertion: assertion("a"),
        client_assertion_type: ASSERTION_TYPE,
      },
    ],
  ])("refuses %s as invalid_request (RFC 6749 §2.3)", (_what, authorization, fields) => {
    expect(() => read(authorization, fields)).toThrow(
      expect.objectContaining({ code: "invalid_request" }),
    );
  });

  it.each([
    ["nothing", null, {}],
    ["another scheme", "Bearer x", {}],
    ["Basic without a colon", basic("a"), {}],
    ["Basic without an id", basic(":s"), {}],
    ["Basic that is not base64", "Basic ***", {}],
    ["an assertion without its type", null, { client_assertion: assertion("a") }],
    [
      "an assertion of another type",
      null,
      {
        client_assertion: assertion("a"),
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
      },
    ],
    [
      "an assertion that is no JWT",
      null,
      { client_assertion: "x", client_assertion_type: ASSERTION_TYPE },
    ],
  ])("refuses %s as invalid_client (RFC 6749 §5.2)", (_what, authorization, fields) => {
    expect(() => read(authorization, fields as Record<string, string>)).toThrow(
      expect.objectContaining({ code: "invalid_client" }),
    );
  });
});
