import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { SealBroken } from "../../shared/keys/seal.ts";
import { createSessionParts, type Parts } from "../support/parts.ts";

let parts: Parts;
beforeEach(() => {
  parts = createSessionParts();
});

const rowOf = (session: string) => parts.store.get("vault", { partition: session, row: "0" });

describe("the vault", () => {
  it("has nothing for a session that it was never given anything for", async () => {
    expect(await parts.vault.read("s1")).toBeUndefined();
  });

  it.each([0, 1, 15_000, 29_999, 250_000])("gives back a cache of %d characters", async (size) => {
    const cache = randomBytes(size).toString("hex").slice(0, size);
    await parts.vault.write("s1", cache);
    expect(await parts.vault.read("s1")).toBe(cache);
  });

  it("keeps every property within the 32 Ki characters that a table takes", async () => {
    await parts.vault.write("s1", "x".repeat(250_000));
    const strings = Object.values((await rowOf("s1"))?.value ?? {}).filter(
      (value) => typeof value === "string",
    );
    expect(strings.length).toBeGreaterThan(1);
    expect(Math.max(...strings.map((text) => text.length))).toBeLessThan(32_768);
  });

  it("replaces a large cache by a small one, whole", async () => {
    await parts.vault.write("s1", "x".repeat(100_000));
    await parts.vault.write("s1", "small");
    expect(await parts.vault.read("s1")).toBe("small");
    expect(Object.keys((await rowOf("s1"))?.value ?? {}).toSorted()).toEqual([
      "part0",
      "parts",
      "schemaVersion",
    ]);
  });

  it("refuses what does not fit a row, and keeps what was there", async () => {
    await parts.vault.write("s1", "before");
    await expect(parts.vault.write("s1", "x".repeat(340_000))).rejects.toThrow(RangeError);
    expect(await parts.vault.read("s1")).toBe("before");
  });

  it("writes no token in clear", async () => {
    await parts.vault.write("s1", `{"secret":"0.AXXX-refresh-token"}`);
    expect(JSON.stringify(await rowOf("s1"))).not.toContain("AXXX");
  });

  it("does not open under another session: a row cannot be moved to another person", async () => {
    await parts.vault.write("alice", "alice's tokens");
    const row = await rowOf("alice");
    await parts.store.put("vault", { partition: "mallory", row: "0" }, row?.value ?? {});
    await expect(parts.vault.read("mallory")).rejects.toThrow(SealBroken);
  });

  it("forgets what it is told to forget, and nothing else", async () => {
    await parts.vault.write("s1", "one");
    await parts.vault.write("s2", "two");
    await parts.vault.erase("s1");
    await parts.vault.erase("s1");
    expect(await parts.vault.read("s1")).toBeUndefined();
    expect(await parts.vault.read("s2")).toBe("two");
  });
});

describe("a renewal of a session's tokens", () => {
  it("replaces them", async () => {
    const { vault } = createSessionParts();
    await vault.write("s1", "old");
    await vault.renew("s1", "new");
    expect(await vault.read("s1")).toBe("new");
  });

  it("does not bring back the tokens of a session that has ended in between", async () => {
    const { vault } = createSessionParts();
    await vault.write("s1", "old");
    await vault.erase("s1");
    await vault.renew("s1", "new");
    expect(await vault.read("s1")).toBeUndefined();
  });
});
