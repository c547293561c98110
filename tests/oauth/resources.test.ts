import { describe, expect, it } from "vitest";
import { RESOURCE_PATHS, Resources } from "../../shared/oauth/resources.ts";
import { ISSUER } from "../support/parts.ts";

const resources = new Resources(ISSUER);
const asked = (...values: string[]) =>
  resources.parse(new URLSearchParams(values.map((value) => ["resource", value])));

describe("the resource parameter (RFC 8707)", () => {
  it("may be absent", () => {
    expect(asked()).toBeUndefined();
    expect(resources.parse(new URLSearchParams("scope=mcp"))).toBeUndefined();
  });

  it.each(RESOURCE_PATHS)("names the resource at %j", (path) => {
    expect(asked(`${ISSUER}${path}`)).toBe(`${ISSUER}${path}`);
  });

  it.each([
    [`${ISSUER}/`, ISSUER],
    ["HTTPS://MCP.EXAMPLE.COM", ISSUER],
    ["https://mcp.example.com:443/sse", `${ISSUER}/sse`],
  ])("is compared as a URL: %s", (given, resource) => {
    expect(asked(given)).toBe(resource);
  });

  it.each([
    "https://other.example.com",
    "http://mcp.example.com",
    `${ISSUER}:8443`,
    `${ISSUER}/sse/`,
    `${ISSUER}/SSE`,
    `${ISSUER}/message`,
    `${ISSUER}/sse?x=1`,
    `${ISSUER}.evil.example`,
    "https://user@mcp.example.com",
    "mcp",
    "",
  ])("is invalid_target for what is not ours: %j (RFC 8707 §2)", (given) => {
    expect(() => asked(given)).toThrow(
      expect.objectContaining({ name: "OAuthError", code: "invalid_target" }),
    );
  });

  it("is invalid_target for several: one token, one audience", () => {
    expect(() => asked(ISSUER, `${ISSUER}/sse`)).toThrow(
      expect.objectContaining({ code: "invalid_target" }),
    );
    expect(() => asked(ISSUER, ISSUER)).toThrow(
      expect.objectContaining({ code: "invalid_target" }),
    );
  });
});

describe("the metadata of a resource", () => {
  it("has the well-known path before the resource's own (RFC 9728 §3.1)", () => {
    const base = `${ISSUER}/.well-known/oauth-protected-resource`;
    expect(resources.metadataUrl("")).toBe(base);
    expect(resources.metadataUrl("/sse")).toBe(`${base}/sse`);
  });
});
