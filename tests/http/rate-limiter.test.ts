import { describe, expect, it } from "vitest";
import { callerAddress, LIMITS, MemoryRateLimiter } from "../../shared/http/rate-limiter.ts";
import { createTestApp } from "../support/test-app.ts";

describe("callerAddress", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["203.0.113.7:50123", "203.0.113.7"],
    ["198.51.100.1, 203.0.113.7:443", "203.0.113.7"],
    ["[2001:db8::1]:443", "2001:db8::1"],
    ["2001:db8::1", "2001:db8::1"],
    ["", "unknown"],
  ])("reads the last hop of %j without its port", (header, address) => {
    const headers: Record<string, string> = header === "" ? {} : { "x-forwarded-for": header };
    expect(callerAddress(new Request("http://localhost/", { headers }))).toBe(address);
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
