import { describe, expect, it } from "vitest";
import { cookieName, readCookie, setCookie } from "../../shared/http/cookies.ts";

const PUBLIC = { loopback: false };
const LOCAL = { loopback: true };

const sending = (cookie: string) => new Request("https://mcp.example.com", { headers: { cookie } });

const attributes = (header: string) => header.split("; ").slice(1).toSorted();

describe("a cookie in public", () => {
  it("has the __Host- prefix and what that prefix demands (RFC 6265bis §4.1.3.2)", () => {
    const header = setCookie("csrf", "value", 600, PUBLIC);
    expect(header).toMatch(/^__Host-csrf=value;/);
    expect(attributes(header)).toEqual([
      "HttpOnly",
      "Max-Age=600",
      "Path=/",
      "SameSite=Lax",
      "Secure",
    ]);
    expect(header).not.toContain("Domain");
  });

  it("is read under that name only: another host cannot plant it", () => {
    expect(readCookie(sending("__Host-csrf=ours; csrf=planted"), "csrf", PUBLIC)).toBe("ours");
    expect(readCookie(sending("csrf=planted; dev-csrf=planted"), "csrf", PUBLIC)).toBeUndefined();
  });
});

describe("a cookie on this machine", () => {
  it("is not Secure, which plain http would refuse, and has a prefix of its own", () => {
    const header = setCookie("csrf", "value", 600, LOCAL);
    expect(header).toMatch(/^dev-csrf=value;/);
    expect(attributes(header)).toEqual(["HttpOnly", "Max-Age=600", "Path=/", "SameSite=Lax"]);
  });

  it("is read under that name only", () => {
    expect(readCookie(sending("dev-csrf=ours; __Host-csrf=other"), "csrf", LOCAL)).toBe("ours");
  });
});

describe("any cookie", () => {
  it("is taken away with an age of 0", () => {
    expect(setCookie("csrf", "", 0, PUBLIC)).toContain("Max-Age=0");
  });

  it("comes back as it was set, whatever is in it", () => {
    const value = 'a b;c,"d"=é%';
    const [pair = ""] = setCookie("x", value, 1, PUBLIC).split("; ");
    expect(readCookie(sending(pair), "x", PUBLIC)).toBe(value);
  });

  it("cannot add attributes or a second header through its value", () => {
    const header = setCookie("x", "v; Domain=evil.example\r\nSet-Cookie: y=1", 1, PUBLIC);
    expect(header).not.toContain("; Domain");
    expect(header).not.toMatch(/[\r\n]/);
  });

  it("is undefined where the browser sent none", () => {
    expect(readCookie(new Request("https://mcp.example.com"), "x", PUBLIC)).toBeUndefined();
    expect(readCookie(sending("y=1"), "x", PUBLIC)).toBeUndefined();
  });

  it("goes by the name that the installation gives it", () => {
    expect([cookieName("x", PUBLIC), cookieName("x", LOCAL)]).toEqual(["__Host-x", "dev-x"]);
  });
});
