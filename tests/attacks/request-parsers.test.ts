import { isIP } from "node:net";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readForm, readJson } from "../../shared/http/body.ts";
import { clientAddress } from "../../shared/http/client-address.ts";
import { readCookie } from "../../shared/http/cookies.ts";
import { HttpError } from "../../shared/http/errors.ts";
import { visibleText } from "../../shared/http/pages/untrusted-text.ts";
import { OAuthError } from "../../shared/oauth/oauth-error.ts";
import { RESOURCE_PATHS, Resources } from "../../shared/oauth/resources.ts";
import { parseScopes, SCOPES } from "../../shared/oauth/scopes.ts";
import { handleKey } from "../../shared/storage/hourly-handle.ts";
import { useFacade } from "../support/facade.ts";
import { holds } from "./property.ts";

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "",
    " ",
    "__proto__",
    "constructor",
    "%",
    "%zz",
    "%00",
    "\u0000",
    "\ud800",
    "..",
    "null",
  ),
);

/** Text that can stand in a header. */
const headerText = fc.string({ unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCodePoint(code)) }); // prettier-ignore

/** What a token looks like from afar: parts of JSON or noise, joined by dots. */
const tokenLike = fc
  .array(
    fc.oneof(
      fc.json().map((json) => Buffer.from(json).toString("base64url")),
      fc.base64String(),
      fc.constantFrom("", "r1", "eyJhbGciOiJub25lIn0", "A".repeat(22), "A".repeat(43)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join("."));

const addressOf = (hops: string) =>
  clientAddress({ headersDistinct: { "client-ip": [hops] } }, "client-ip");

describe("a parser takes any text and gives a considered answer (CWE-20)", () => {
  it("parseScopes: ours, or undefined", () =>
    holds(
      fc.property(
        fc.oneof(
          text,
          fc.array(fc.oneof(text, fc.constantFrom(...SCOPES))).map((all) => all.join(" ")),
        ),
        (given) => {
          const scopes = parseScopes(given);
          if (scopes === undefined) return;
          expect(scopes.every((scope) => given.split(" ").includes(scope))).toBe(true);
          expect(new Set(scopes).size).toBe(scopes.length);
        },
      ),
    ));

  it("resources.parse: one of ours, or invalid_target", () => {
    const resources = new Resources("https://mcp.example.com");
    const ours: readonly string[] = RESOURCE_PATHS.map((path) => resources.of(path));
    const near = fc.tuple(fc.constantFrom(...ours), text).map(([own, more]) => own + more);
    return holds(
      fc.property(
        fc.array(fc.oneof(text, near, fc.webUrl(), fc.constantFrom(...ours)), { maxLength: 3 }),
        (values) => {
          const query = new URLSearchParams(values.map((value) => ["resource", value]));
          try {
            const parsed = resources.parse(query);
            expect(parsed === undefined ? values : ours).toHaveLength(
              parsed === undefined ? 0 : ours.length,
            );
            if (parsed !== undefined) expect(ours).toContain(parsed);
          } catch (error) {
            if (!(error instanceof OAuthError)) throw error;
            expect(error.code).toBe("invalid_target");
          }
        },
      ),
    );
  });

  it("handleKey: a place among the hours, or undefined", () =>
    holds(
      fc.property(fc.oneof(text, tokenLike), (given) => {
        const key = handleKey(given);
        if (key === undefined) return;
        expect(key.partition).toMatch(/^[0-9a-z]{1,6}-[0-9a-f]$/);
        expect(key.row).toMatch(/^[\w-]{43}$/);
      }),
    ));

  it("readForm: parameters of which none comes twice, or an HTTP error", () =>
    holds(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          text.map((given) => Buffer.from(given)),
        ),
        async (body) => {
          const request = new Request("https://x/", {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded" },
            body: Uint8Array.from(body),
          });
          const form = await readForm(request).catch((error: unknown) => error);
          if (form instanceof HttpError) {
            expect(form.status).toBe(400);
            return;
          }
          expect(form).toBeInstanceOf(URLSearchParams);
          const names = [...(form as URLSearchParams).keys()].filter((name) => name !== "resource");
          expect(new Set(names).size).toBe(names.length);
        },
      ),
      300,
    ));

  it("readJson: what JSON.parse gives, or 400", () =>
    holds(
      fc.asyncProperty(fc.oneof(text, fc.json()), async (body) => {
        const headers = { "content-type": "application/json" };
        const request = new Request("https://x/", { method: "POST", headers, body });
        const parsed = await readJson(request, 1_000_000).catch((error: unknown) => error);
        if (parsed instanceof HttpError) expect(parsed.status).toBe(400);
        else expect(parsed).not.toBeInstanceOf(Error);
      }),
      300,
    ));

  it("readCookie: a value, or undefined, from any header", () =>
    holds(
      fc.property(
        headerText,
        fc.oneof(text, fc.constantFrom("csrf", "consents")),
        (cookie, name) => {
          const request = new Request("https://x/", { headers: { cookie } });
          const value: unknown = readCookie(request, name, { loopback: false });
          expect(["string", "undefined"]).toContain(typeof value);
        },
      ),
      500,
    ));

  it("clientAddress: an address or none, and only from the last hop", () =>
    holds(
      fc.property(headerText, (hops) => {
        expect([0, 4, 6]).toContain(isIP(addressOf(hops) ?? ""));
        expect(addressOf(`${hops}, 192.0.2.7:4711`)).toBe("192.0.2.7");
      }),
      500,
    ));

  it("visibleText: one line without control, bidirectional or invisible characters", () =>
    holds(
      fc.property(fc.oneof(text, fc.string({ unit: "binary", maxLength: 300 })), (given) => {
        const shown = visibleText(given);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
        expect(Array.from(shown).length).toBeLessThanOrEqual(121);
      }),
    ));
});

describe("an endpoint takes any text and gives a considered answer", () => {
  const facade = useFacade();

  function expectNoFault(): void {
    expect(facade.app.log.filter((line) => line.includes("request-failed"))).toEqual([]);
  }

  it("GET /authorize: a page, or a redirect to the registered URI, and never to Entra", async () => {
    const valid = Object.fromEntries(facade.client.authorizationUrl().searchParams);
    const name = fc.constantFrom(
      ...Object.keys(valid),
      "scope",
      "prompt",
      "request",
      "x",
      "__proto__",
    );
    await holds(
      fc.asyncProperty(
        fc.array(fc.tuple(name, text, fc.boolean()), { maxLength: 4 }),
        async (changes) => {
          const url = facade.client.authorizationUrl();
          for (const [key, value, doubled] of changes) {
            if (doubled) url.searchParams.append(key, value);
            else url.searchParams.set(key, value);
          }
          const answer = await facade.app.fetch(url, { redirect: "manual" });
          expect([200, 302, 400]).toContain(answer.status);
          const target = answer.headers.get("location") ?? "http://localhost:33418/callback?error=";
          expect(target).toMatch(/^http:\/\/localhost:\d+\/callback\?error=/);
        },
      ),
      200,
    );
    expectNoFault();
  });

  it("GET /sse: 401 for any token that is not ours", async () => {
    await holds(
      fc.asyncProperty(fc.oneof(headerText, tokenLike), async (token) => {
        const answer = await facade.get("/sse", { authorization: `Bearer ${token}` });
        expect(answer.status).toBe(401);
        expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer resource_metadata="http/);
      }),
      300,
    );
    expectNoFault();
  });

  it("POST /token: invalid_grant for any refresh token that is not ours", async () => {
    await holds(
      fc.asyncProperty(
        fc.oneof(
          text,
          tokenLike,
          tokenLike.map((more) => `r1.${more}`),
        ),
        async (token) => {
          const answer = await facade.client.refresh(`x${token}`);
          expect(answer.status).toBe(400);
          expect(await answer.json()).toMatchObject({ error: "invalid_grant" });
        },
      ),
      300,
    );
    expectNoFault();
  });

  it("POST /token: invalid_grant for any code that is not ours", async () => {
    await holds(
      fc.asyncProperty(fc.oneof(text, tokenLike), async (code) => {
        const answer = await facade.client.redeem(`x${code}`);
        expect(answer.status).toBe(400);
        expect(await answer.json()).toMatchObject({ error: "invalid_grant" });
      }),
      300,
    );
    expectNoFault();
  });

  it("POST /consent: a page for any form that is not ours", async () => {
    await holds(
      fc.asyncProperty(fc.oneof(text, tokenLike), text, async (request, decision) => {
        const answer = await facade
          .browser()
          .post(
            `${facade.app.baseUrl}/consent`,
            { request, decision },
            { "sec-fetch-site": "same-origin" },
          );
        expect(answer.status).toBe(400);
        expect(answer.headers.get("location")).toBeNull();
      }),
      200,
    );
    expectNoFault();
  });

  it("GET /callback: a page for any state that is not ours", async () => {
    await holds(
      fc.asyncProperty(fc.oneof(text, tokenLike), text, headerText, async (state, code, cookie) => {
        const url = `${facade.app.baseUrl}/callback?${new URLSearchParams({ state, code })}`;
        const answer = await facade.app.fetch(url, { headers: { cookie } });
        expect(answer.status).toBe(400);
      }),
      200,
    );
    expectNoFault();
  });
});
