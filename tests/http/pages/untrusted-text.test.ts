import { describe, expect, it } from "vitest";
import { isolatedText, visibleText } from "../../../shared/http/pages/untrusted-text.ts";

describe("visibleText", () => {
  it("removes bidi overrides, isolates and marks", () => {
    expect(visibleText("a\u202eb\u2066c\u2069d\u200fe\u061cf")).toBe("abcdef");
  });

  it("removes invisible characters, also those that are no format characters", () => {
    expect(visibleText("Cl\u200baude\u3164\ufe0f\u{e0041}\ufeff")).toBe("Claude");
  });

  it("makes one line of control characters and white space of any kind", () => {
    expect(visibleText(" a\r\n\tb\u2028c\u00a0\u0000d ")).toBe("a b c d");
  });

  it("leaves ordinary names of any script alone", () => {
    for (const name of ["Cursor (dev) – v2", "Ünïcode", "助手", "עוזר", "🤖 Bot"])
      expect(visibleText(name)).toBe(name);
  });

  it("shortens without cutting a character in two", () => {
    expect(visibleText("🤖🤖🤖", 2)).toBe("🤖🤖…");
    expect(visibleText("🤖🤖", 2)).toBe("🤖🤖");
    expect(visibleText("a".repeat(500))).toHaveLength(121);
  });
});

describe("isolatedText", () => {
  it("isolates the text and escapes it", () => {
    expect(isolatedText("<b>\u202e").toString()).toBe("<bdi>&lt;b&gt;</bdi>");
  });
});
