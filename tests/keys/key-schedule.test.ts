import { describe, expect, it } from "vitest";
import {
  DATA_KEY_POLICY,
  keyInUse,
  nextKeyDue,
  PUBLISH_AHEAD_MS,
  REREAD_AFTER_MS,
  retiredKeys,
  SIGNING_KEY_POLICY,
} from "../../shared/keys/key-schedule.ts";
import { createTestApp } from "../support/test-app.ts";

const DAY_MS = 86_400_000;
const key = (notBefore: number) => ({ value: { notBefore } });

describe("the key in use", () => {
  const [first, second] = [key(1_000), key(2_000)];

  it("is the newest whose time has come", () => {
    expect(keyInUse([first, second], 1_999)).toBe(first);
    expect(keyInUse([first, second], 2_000)).toBe(second);
  });

  it("is the first where our clock is behind that of its maker", () => {
    expect(keyInUse([first, second], 999)).toBe(first);
  });
});

describe("the next key", () => {
  it.each([
    ["signing", SIGNING_KEY_POLICY, 30],
    ["data", DATA_KEY_POLICY, 90],
  ])("is made a day before the %s key has been in use for its time", (_kind, policy, days) => {
    const due = (now: number) => nextKeyDue([key(0)], policy, now);
    expect(due((days - 1) * DAY_MS - 1)).toBeUndefined();
    expect(due((days - 1) * DAY_MS)).toBe(days * DAY_MS);
  });

  it("is known a day before it is used, however late it is made", () => {
    const now = 200 * DAY_MS;
    expect(nextKeyDue([key(0)], SIGNING_KEY_POLICY, now)).toBe(now + PUBLISH_AHEAD_MS);
  });

  it("is not made twice", () => {
    expect(nextKeyDue([key(0), key(30 * DAY_MS)], SIGNING_KEY_POLICY, 30 * DAY_MS)).toBeUndefined();
  });
});

describe("a key that is not used any more", () => {
  it.each([
    ["signing", SIGNING_KEY_POLICY, 1],
    ["data", DATA_KEY_POLICY, 365],
  ])("is kept as long as what the %s key made may live, and a day", (_kind, policy, days) => {
    const [old, successor] = [key(0), key(100 * DAY_MS)];
    const retired = (now: number) => retiredKeys([old, successor], policy, now);
    expect(retired((100 + days + 1) * DAY_MS - 1)).toEqual([]);
    expect(retired((100 + days + 1) * DAY_MS)).toEqual([old]);
  });
});

describe("publishing ahead", () => {
  it("is longer than instances go without reading and caches without asking", async () => {
    const app = createTestApp();
    const response = await app.fetch(`${app.baseUrl}/.well-known/jwks.json`);
    const [, maxAge] = /max-age=(\d+)/.exec(response.headers.get("cache-control") ?? "") ?? [];
    expect(Number(maxAge) * 1000 + REREAD_AFTER_MS).toBeLessThan(PUBLISH_AHEAD_MS);
  });
});
