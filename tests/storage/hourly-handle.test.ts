import { describe, expect, it } from "vitest";
import { sha256 } from "../../shared/digest.ts";
import { systemRandom } from "../../shared/random.ts";
import { handleKey, newHandle } from "../../shared/storage/hourly-handle.ts";

const HOUR_MS = 3_600_000;
const HOUR = 500_000;

const partitionAt = (ms: number) => handleKey(newHandle(systemRandom, ms))?.partition;

describe("a handle", () => {
  it("is filed under the UTC hour in which its row expires", () => {
    const hour = HOUR.toString(36);
    expect(partitionAt(HOUR * HOUR_MS)).toMatch(new RegExp(`^${hour}-[0-9a-f]$`));
    expect(partitionAt((HOUR + 1) * HOUR_MS - 1)).toMatch(new RegExp(`^${hour}-`));
    expect(partitionAt((HOUR + 1) * HOUR_MS)).not.toMatch(new RegExp(`^${hour}-`));
  });

  it("is stored as its hash only", () => {
    const handle = newHandle(systemRandom, HOUR * HOUR_MS);
    const key = handleKey(handle);
    expect(key?.row).toBe(sha256(handle));
    expect(JSON.stringify(key)).not.toContain(handle.split(".")[1]);
  });

  it("has the same key whenever it comes back", () => {
    const handle = newHandle(systemRandom, HOUR * HOUR_MS);
    expect(handleKey(handle)).toEqual(handleKey(handle));
  });

  it("holds 256 random bits, and two are never the same", () => {
    const handles = Array.from({ length: 100 }, () => newHandle(systemRandom, 0));
    expect(new Set(handles)).toHaveLength(100);
    expect(Buffer.from(handles[0]?.split(".")[1] ?? "", "base64url")).toHaveLength(32);
  });

  it("spreads over the sixteen shards of an hour", () => {
    const shards = Array.from(
      { length: 1_000 },
      () => handleKey(newHandle(systemRandom, 0))?.partition,
    );
    expect(new Set(shards)).toHaveLength(16);
  });

  it.each(["", "abc", `1.${"a".repeat(42)}`, `1.${"a".repeat(44)}`, `.${"a".repeat(43)}`])(
    "has no key where we cannot have issued it: %j",
    (text) => {
      expect(handleKey(text)).toBeUndefined();
    },
  );

  it.each([`1/..'.${"a".repeat(43)}`, `A.${"a".repeat(43)}`, `123456789.${"a".repeat(43)}`])(
    "lets no foreign character into a partition key: %j",
    (text) => {
      expect(handleKey(text)).toBeUndefined();
    },
  );
});
