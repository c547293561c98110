import { describe, expect, it } from "vitest";
import { ConcurrencyGate } from "../../shared/http/concurrency-gate.ts";
import { endpoint } from "../../shared/http/endpoint.ts";
import { callerKey, LIMITS, MemoryRateLimiter } from "../../shared/http/rate-limiter.ts";
import { createContext } from "../support/request-context.ts";
import { createTestApp } from "../support/test-app.ts";
import { TestClock } from "../support/test-clock.ts";

const key = (headers: Record<string, string>, address?: string, url = "https://x/callback") =>
  callerKey(new Request(url, { headers }), { address });

describe("whom a call is counted with", () => {
  it("is its address, whatever else it brings", () => {
    expect(key({ cookie: "a=1", authorization: "Bearer x" }, "203.0.113.7")).toBe("203.0.113.7");
  });

  it("is what it holds, where no address is sure, and never in clear", () => {
    const held = [
      key({ authorization: "Basic c2VjcmV0" }),
      key({ cookie: "__Host-csrf=secret" }),
      key({}, undefined, "https://x/callback?state=secret"),
    ];
    expect(new Set(held).size).toBe(3);
    for (const one of held) expect(one).toMatch(/^[\w-]{43}$/);
    expect(key({ cookie: "__Host-csrf=secret" })).toBe(held[1]);
  });

  it("is nobody where it holds nothing: nobody can be locked out by somebody else", () => {
    expect(key({ "x-forwarded-for": "203.0.113.7", "client-ip": "203.0.113.7" })).toBeUndefined();
  });
});

describe("the rate limiter", () => {
  it("lets 600 sign-ins a minute from one address pass", async () => {
    const limiter = new MemoryRateLimiter(1);
    const { register, authorize, consent, callback, token } = LIMITS;
    for (let n = 0; n < 600; n++) {
      for (const limit of [register, authorize, consent, callback, token]) {
        expect(await limiter.take(limit, "203.0.113.7")).toBeUndefined();
      }
    }
  });

  it("counts each address by itself", async () => {
    const limiter = new MemoryRateLimiter(1);
    const limit = { name: "few", perMinute: 1 };
    expect(await limiter.take(limit, "a")).toBeUndefined();
    expect(await limiter.take(limit, "a")).toBeGreaterThan(0);
    expect(await limiter.take(limit, "b")).toBeUndefined();
  });
});

describe("an endpoint beyond its limit", () => {
  it.each(["/register", "/token", "/revoke"])(
    "answers 429 too_many_requests at %s",
    async (path) => {
      const { fetch, baseUrl } = createTestApp({ env: { RATE_LIMIT_FACTOR: "0.0001" } });
      await fetch(`${baseUrl}${path}`, { method: "POST" });
      const response = await fetch(`${baseUrl}${path}`, { method: "POST" });
      expect(response.status).toBe(429);
      expect(response.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
      expect(await response.json()).toMatchObject({ error: "too_many_requests" });
    },
  );

  it.each([
    ["GET", "/authorize"],
    ["POST", "/consent"],
    ["GET", "/callback"],
    ["GET", "/account"],
  ])("shows a page at %s %s", async (method, path) => {
    const { fetch, baseUrl } = createTestApp({ env: { RATE_LIMIT_FACTOR: "0.0001" } });
    await fetch(`${baseUrl}${path}`, { method });
    const response = await fetch(`${baseUrl}${path}`, { method });
    expect(response.status).toBe(429);
    expect(response.headers.get("content-type")).toContain("text/html");
  });
});

describe("callers whose address nobody vouches for", () => {
  /** One call a minute, one at once. */
  const factor = 0.0001;
  const limit = { name: "register", perMinute: 900 };

  function setUp(answer: () => Promise<Response>) {
    const policy = {
      loopback: false,
      allowedOrigins: new Set<string>(),
      rateLimiter: new MemoryRateLimiter(factor),
      gate: new ConcurrencyGate({ clock: new TestClock(), factor }),
    };
    const options = { surface: "oauth", cors: "any", methods: { POST: answer }, limit } as const;
    const handler = endpoint(policy, options);
    return async (headers: Record<string, string> = {}) => {
      const request = new Request("https://x/register", { method: "POST", headers });
      return (await handler(request, { ...createContext().context, address: undefined })).status;
    };
  }

  it("are not counted together: one who calls often locks nobody out", async () => {
    const call = setUp(async () => new Response());
    for (let n = 0; n < 20; n++) expect(await call()).toBe(200);
  });

  it("are counted by what they hold, and so one by one", async () => {
    const call = setUp(async () => new Response());
    expect(await call({ authorization: "Basic YTpi" })).toBe(200);
    expect(await call({ authorization: "Basic YTpi" })).toBe(429);
    expect(await call({ authorization: "Basic YTpj" })).toBe(200);
    expect(await call()).toBe(200);
  });

  it("wait for each other, and are told to come back where the wait is too long", async () => {
    const held = Promise.withResolvers<Response>();
    const call = setUp(() => held.promise);
    const first = call();
    expect(await call()).toBe(429);
    const waiting = call();
    held.resolve(new Response());
    expect([await first, await waiting]).toEqual([200, 200]);
  });
});
