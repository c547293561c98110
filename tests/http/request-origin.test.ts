import { describe, expect, it } from "vitest";
import { requireAllowedOrigin, requireLoopbackHost } from "../../shared/http/request-origin.ts";

const having = (name: string, value?: string) =>
  new Request("http://localhost:7071/sse", {
    headers: value === undefined ? {} : { [name]: value },
  });

describe("the Host check of a development server", () => {
  it.each([
    "localhost",
    "localhost:7071",
    "LOCALHOST:1",
    "127.0.0.1:7071",
    "[::1]:7071",
    undefined,
  ])("lets %s through", (host) => {
    expect(() => requireLoopbackHost(having("host", host))).not.toThrow();
  });

  it.each([
    "evil.example",
    "localhost.evil.example",
    "evil.example:7071",
    "127.0.0.1.evil.example",
    "localhost:7071@evil.example",
    "192.168.0.1",
    "0.0.0.0:7071",
    "localhost.",
    "",
  ])("refuses %j: a page may have given this machine a name of its own (DNS rebinding)", (host) => {
    expect(() => requireLoopbackHost(having("host", host))).toThrow(
      expect.objectContaining({ name: "HttpError", status: 403 }),
    );
  });
});

describe("the Origin check (MCP 2025-11-25, transports)", () => {
  const allowed = new Set(["http://localhost:6274"]);

  it("lets through who is no browser, and the origins that are allowed", () => {
    expect(() => requireAllowedOrigin(having("origin"), allowed)).not.toThrow();
    const inspector = having("origin", "http://localhost:6274");
    expect(() => requireAllowedOrigin(inspector, allowed)).not.toThrow();
  });

  it.each([
    "https://evil.example",
    "null",
    "http://localhost:6275",
    "https://localhost:6274",
    "http://localhost:6274.evil.example",
    "",
  ])("refuses %j", (origin) => {
    expect(() => requireAllowedOrigin(having("origin", origin), allowed)).toThrow(
      expect.objectContaining({ name: "HttpError", status: 403 }),
    );
  });
});
