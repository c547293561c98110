import { describe, expect, it } from "vitest";
import { useFacade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { approve } from "../support/sign-in.ts";
import { parseForm } from "../support/user-agent.ts";

const facade = useFacade();

/** How many requests each endpoint gets. */
const REQUESTS = 300;

/** The same numbers in every run (mulberry32), so that a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const ODD_TEXTS = [
  "",
  " ",
  "\u0000",
  "\r\nSet-Cookie: x=1",
  "é🙂\u202e\ufeff",
  "\ud800",
  "%00%ff%",
  "../../keys",
  "__proto__",
  "constructor",
  "null",
  "undefined",
  "-1",
  "1e999",
  "[]",
  "{}",
  "'; DROP TABLE clients; --",
  "<script>alert(1)</script>",
  "javascript:alert(1)",
  "http://[::1",
  "https://evil.example/cb",
  "a".repeat(5_000),
  "A".repeat(22),
  "A".repeat(43),
  `abc.${"A".repeat(43)}`,
  "zzzzzzzz." + "A".repeat(43),
  "r1.a.b.c.d.e.f",
  "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.AAAA.AAAA.AAAA",
  "eyJhbGciOiJub25lIn0.e30.",
  "....",
];

const ODD_VALUES: readonly unknown[] = [
  ...ODD_TEXTS,
  null,
  true,
  0,
  -1,
  1e308,
  [],
  {},
  [null],
  [[["deep"]]],
  { toString: 1 },
  { length: 1e9 },
];

type OddRequest = Omit<RequestInit, "body"> & { readonly body?: string };

type Pick = <T>(from: readonly T[]) => T;

/** Sends what `make` makes, many times, and expects a considered answer each time. */
async function expectNoFault(
  seed: number,
  make: (pick: Pick, below: (n: number) => number) => [string, OddRequest?],
): Promise<void> {
  const below = numbers(seed);
  const pick: Pick = (from) => from[below(from.length)] as (typeof from)[number];
  const seen = new Set<number>();
  for (let n = 0; n < REQUESTS; n++) {
    const [path, init] = make(pick, below);
    const response = await facade.app.fetch(new URL(path, facade.app.baseUrl), init);
    const text = await response.text();
    const what = `request ${n}: ${path.slice(0, 300)} ${init?.body?.slice(0, 300) ?? ""}`;
    expect(response.status, what).toBeLessThan(500);
    expect(text, what).not.toMatch(/\n\s+at |Error:|node:internal/);
    expect(response.headers.has("set-cookie") && response.status >= 400, what).toBe(false);
    seen.add(response.status);
  }
  // More than one kind of answer, or the inputs never came past the first check.
  expect(seen.size).toBeGreaterThan(1);
  expect(facade.app.log.filter((line) => line.includes("request-failed"))).toEqual([]);
}

/** Valid parameters of which some are replaced by oddities, left out or doubled. */
function mutated(
  valid: Readonly<Record<string, string>>,
  pick: Pick,
  below: (n: number) => number,
): URLSearchParams {
  const parameters = new URLSearchParams(valid);
  const names = [...Object.keys(valid), "x", "__proto__"];
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const name = pick(names);
    const how = below(4);
    if (how === 0) parameters.delete(name);
    else if (how === 1) parameters.append(name, pick(ODD_TEXTS));
    else parameters.set(name, pick(ODD_TEXTS));
  }
  return parameters;
}

const form = (body: string, headers: Record<string, string> = {}): OddRequest => ({
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
  body,
});

/** Cuts a text somewhere, or puts raw bytes of a broken encoding into it. */
function broken(text: string, pick: Pick, below: (n: number) => number): string {
  const at = below(text.length + 1);
  return (
    text.slice(0, at) +
    pick(["", "", "", "%", "%E0%A4%A", "&", "=", "&&==", "\u0000", "+"]) +
    text.slice(at)
  );
}

describe("no input makes the server fail (seeded)", () => {
  it("at GET /authorize", async () => {
    const valid = {
      ...Object.fromEntries(facade.client.authorizationUrl().searchParams),
      scope: "mcp",
      prompt: "login",
    };
    await expectNoFault(1, (pick, below) => [
      `/authorize?${broken(mutated(valid, pick, below).toString(), pick, below)}`,
    ]);
  });

  it("at POST /register", async () => {
    const fields = [
      "redirect_uris",
      "client_name",
      "client_uri",
      "response_types",
      "grant_types",
      "token_endpoint_auth_method",
      "scope",
      "contacts",
      "jwks",
      "__proto__",
    ];
    await expectNoFault(2, (pick, below) => {
      const metadata: [string, unknown][] = [["redirect_uris", [REDIRECT_URI]]];
      for (let changes = below(3); changes > 0; changes--) {
        metadata.push([pick(fields), pick([pick(ODD_VALUES), [pick(ODD_VALUES)]])]);
      }
      const whole = JSON.stringify(Object.fromEntries(metadata));
      const body = below(4) === 0 ? broken(whole, pick, below) : whole;
      return [
        "/register",
        { method: "POST", headers: { "content-type": "application/json" }, body },
      ];
    });
  });

  it("at POST /token, with a code", async () => {
    const valid = {
      grant_type: "authorization_code",
      client_id: facade.client.id,
      redirect_uri: REDIRECT_URI,
      code: await facade.client.code(),
      code_verifier: facade.client.verifier,
      resource: `${facade.app.baseUrl}/sse`,
    };
    await expectNoFault(3, (pick, below) => [
      "/token",
      form(broken(mutated(valid, pick, below).toString(), pick, below)),
    ]);
  });

  it("at POST /token, with a refresh token", async () => {
    const { refresh_token } = await facade.client.tokens();
    const valid = {
      grant_type: "refresh_token",
      client_id: facade.client.id,
      refresh_token,
      scope: "mcp",
      resource: `${facade.app.baseUrl}/sse`,
    };
    await expectNoFault(4, (pick, below) => [
      "/token",
      form(broken(mutated(valid, pick, below).toString(), pick, below)),
    ]);
  });

  it("at POST /consent", async () => {
    const page = await facade.browser().get(facade.client.authorizationUrl());
    const { fields } = parseForm(await page.text());
    const valid = { ...fields, decision: "deny" };
    await expectNoFault(5, (pick, below) => [
      "/consent",
      form(broken(mutated(valid, pick, below).toString(), pick, below), {
        ...(below(2) === 0 && { "sec-fetch-site": "same-origin" }),
        ...(below(4) === 0 && { origin: pick(["null", "x", "http://localhost:7071"]) }),
        ...(below(4) === 0 && {
          cookie: pick(["dev-csrf=%ff", "=;=;", "dev-csrf", 'dev-csrf="x"']),
        }),
      }),
    ]);
  });

  it("at GET /callback", async () => {
    const agent = facade.browser();
    const cookies = async () => {
      const entraUrl = await approve(agent, facade.client.authorizationUrl());
      const jar = agent.cookies(facade.app.baseUrl);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
      return { state: entraUrl.searchParams.get("state") ?? "", cookie };
    };
    const pending = [await cookies(), await cookies(), await cookies()];
    // Entra need not be asked: what is tested is what a caller can send.
    facade.entra.set({ down: true });
    await expectNoFault(6, (pick, below) => {
      const { state, cookie } = pick(pending);
      const query = mutated({ state, error: "access_denied" }, pick, below).toString();
      return [
        `/callback?${broken(query, pick, below)}`,
        {
          headers: {
            cookie: below(3) === 0 ? broken(cookie, pick, below).replaceAll("\u0000", "") : cookie,
          },
        },
      ];
    });
  });
});
