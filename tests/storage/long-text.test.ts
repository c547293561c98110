import { describe, expect, it } from "vitest";
import { joinText, longText, splitText } from "../../shared/storage/long-text.ts";

describe("a long text", () => {
  it.each(["", "a", "x".repeat(450_000), `a${"😀".repeat(100_000)}`])(
    "is the same when it has been taken apart and joined (%#)",
    (text) => {
      expect(joinText(longText.parse(splitText(text)))).toBe(text);
    },
  );

  it("has parts of 30,000 characters at most, and never cuts a character in two", () => {
    const { parts, ...rest } = splitText(`a${"😀".repeat(100_000)}`);
    const texts = Object.values(rest).map(String);
    expect(texts).toHaveLength(parts);
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(30_000);
    expect(texts.every((text) => text.isWellFormed())).toBe(true);
  });

  it("is refused where no row could hold it", () => {
    expect(() => splitText("x".repeat(450_001))).toThrow(RangeError);
  });
});
