import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { redirectUriFault, redirectUriMatches } from "../../shared/oauth/redirect-uri.ts";
import { holds } from "./property.ts";

describe("the matcher of redirect URIs, for any two URIs", () => {
  const host = fc.constantFrom("localhost", "127.0.0.1", "[::1]", "app.example", "evil.example");
  const port = fc.option(fc.integer({ min: 0, max: 70_000 }), { nil: undefined });
  const path = fc.constantFrom(
    "",
    "/",
    "/cb",
    "/cb/",
    "/CB",
    "/x/../cb",
    "/%63b",
    "/c%2Fb",
    "//cb",
  );
  const query = fc.constantFrom("", "?", "?a=1", "?a=1&a=2", "?x=http://localhost:1/cb");
  const scheme = fc.constantFrom("http", "https", "HTTP", "cursor", "javascript", "data");
  const userinfo = fc.constantFrom("", "", "", "@", "localhost@", "a:b@");
  const fragment = fc.constantFrom("", "", "", "#", "#/cb");
  const uri = fc
    .tuple(scheme, userinfo, host, port, path, query, fragment)
    .map(
      ([s, u, h, p, pa, q, f]) => `${s}://${u}${h}${p === undefined ? "" : `:${p}`}${pa}${q}${f}`,
    );

  it("accepts a URI that may be registered for itself", () =>
    holds(
      fc.property(uri, (registered) => {
        fc.pre(redirectUriFault(registered) === undefined);
        expect(redirectUriMatches(registered, registered)).toBe(true);
      }),
    ));

  it("accepts another one only on loopback, where nothing but the port differs (RFC 8252 §7.3)", () =>
    holds(
      fc.property(uri, uri, (requested, registered) => {
        fc.pre(redirectUriFault(registered) === undefined && requested !== registered);
        if (!redirectUriMatches(requested, registered)) return;
        const [a, b] = [new URL(requested), new URL(registered)];
        expect(b.protocol).toBe("http:");
        expect(["localhost", "127.0.0.1", "[::1]"]).toContain(b.hostname);
        a.port = "1";
        b.port = "1";
        expect(a.href).toBe(b.href);
        expect(redirectUriFault(requested)).toBeUndefined();
      }),
    ));

  it("accepts every port of a loopback URI, and no change of anything else (RFC 8252 §7.3)", () => {
    const loopback = fc.constantFrom("localhost", "127.0.0.1", "[::1]");
    const number = fc.integer({ min: 0, max: 65_535 });
    return holds(
      fc.property(
        loopback,
        number,
        number,
        path,
        query,
        loopback,
        path,
        query,
        (h, p, o, pa, q, ...other) => {
          const registered = `http://${h}:${p}${pa}${q}`;
          expect(redirectUriMatches(`http://${h}:${o}${pa}${q}`, registered)).toBe(true);
          expect(redirectUriMatches(`http://${h}${pa}${q}`, registered)).toBe(true);
          const [otherHost, otherPath, otherQuery] = other;
          const same = otherHost === h && otherPath === pa && otherQuery === q;
          const changed = `http://${otherHost}:${o}${otherPath}${otherQuery}`;
          expect(redirectUriMatches(changed, registered)).toBe(same);
        },
      ),
    );
  });

  it("accepts no forbidden scheme, user information or fragment, and never throws", () =>
    holds(
      fc.property(
        fc.oneof(uri, fc.webUrl(), fc.string(), fc.string({ unit: "binary" })),
        (text) => {
          const fault = redirectUriFault(text);
          redirectUriMatches(text, "http://localhost/cb");
          if (fault !== undefined) return;
          const url = new URL(text);
          expect(["javascript:", "data:", "file:", "blob:"]).not.toContain(url.protocol);
          expect(`${url.username}${url.password}${url.hash}`).toBe("");
          expect(text).not.toMatch(/[#\\\s]|^[^/]*\/\/[^/?]*@/);
          // What the browser will read is what was checked, on whatever page it is.
          expect(new URL(text, "https://server.example/callback").href).toBe(url.href);
          expect(new URL(text, "http://localhost:7071/callback").href).toBe(url.href);
        },
      ),
    ));
});
