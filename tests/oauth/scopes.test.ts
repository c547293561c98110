import { describe, expect, it } from "vitest";
import {
  defaultScopes,
  formatScopes,
  grantedScopes,
  graphScopes,
  parseScopes,
  SCOPE_DEFINITIONS,
  SCOPES,
} from "../../shared/oauth/scopes.ts";

describe("a scope parameter", () => {
  it.each([
    ["mcp", ["mcp"]],
    ["calendar.read mcp", ["mcp", "calendar.read"]],
    ["user.read user.read", ["user.read"]],
  ])("%j asks for %j: their order and repetition say nothing (RFC 6749 §3.3)", (text, scopes) => {
    expect(parseScopes(text)).toEqual(scopes);
  });

  it("drops scopes that are not ours instead of refusing them: clients guess", () => {
    expect(parseScopes("openid profile offline_access mcp")).toEqual(["mcp"]);
    expect(parseScopes("openid")).toEqual([]);
    expect(parseScopes("MCP User.Read")).toEqual([]);
  });

  it.each(["", " ", "mcp ", " mcp", "mcp  user.read", "mcp\tuser.read", 'mcp"', "mcp\\", "mçp"])(
    "is no scope list: %j (RFC 6749 §3.3)",
    (text) => {
      expect(parseScopes(text)).toBeUndefined();
    },
  );

  it("goes over the wire as it is read", () => {
    expect(formatScopes(["mcp", "user.read"])).toBe("mcp user.read");
    expect(parseScopes(formatScopes(SCOPES))).toEqual([...SCOPES]);
  });
});

describe("what is granted", () => {
  it("always has mcp in it, and what was asked for", () => {
    expect(grantedScopes([])).toEqual(["mcp"]);
    expect(grantedScopes(["calendar.read"])).toEqual(["mcp", "calendar.read"]);
  });

  it("is everything for HTTP+SSE clients that ask for nothing: they cannot step up later", () => {
    expect(defaultScopes(true)).toEqual([...SCOPES]);
    expect(defaultScopes(false)).toEqual(["mcp", "user.read"]);
  });
});

describe("the permissions behind a scope", () => {
  it("are those of Graph that it needs, and no more", () => {
    expect(graphScopes(["mcp"])).toEqual([]);
    expect(graphScopes(["mcp", "calendar.read"])).toEqual(["Calendars.Read"]);
    expect(graphScopes(SCOPES)).toEqual(["User.Read", "Calendars.Read"]);
  });

  it("are written down, with words for the consent page, for every scope", () => {
    expect(SCOPE_DEFINITIONS.map(({ name }) => name)).toEqual([...SCOPES]);
    for (const { title, description } of SCOPE_DEFINITIONS) {
      expect(title).not.toBe("");
      expect(description).not.toBe("");
    }
  });
});
