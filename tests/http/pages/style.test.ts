import { describe, expect, it } from "vitest";
import { stylesheet } from "../../../shared/http/pages/style.ts";

const [light = "", dark = ""] = stylesheet.match(/:root \{[^}]*\}/g) ?? [];

/** WCAG 2.2 contrast ratio of two custom properties of a scheme. */
function contrast(scheme: string, one: string, other: string): number {
  const [high = 0, low = 0] = [luminance(scheme, one), luminance(scheme, other)].toSorted(
    (a, b) => b - a,
  );
  return (high + 0.05) / (low + 0.05);
}

function luminance(scheme: string, name: string): number {
  const hex = name.startsWith("#")
    ? name
    : scheme.match(new RegExp(`--${name}: (#[0-9a-f]+);`))?.[1];
  const digits = hex?.slice(1) ?? "";
  const six = digits.length === 3 ? digits.replace(/./g, "$&$&") : digits;
  const [red = NaN, green = NaN, blue = NaN] = (six.match(/../g) ?? []).map((pair) => {
    const value = parseInt(pair, 16) / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe.each([
  ["light", light],
  ["dark", dark],
])("in the %s scheme", (_, scheme) => {
  it.each([
    ["text", "card"],
    ["text", "tint"],
    ["text", "ground"],
    ["quiet", "card"],
    ["quiet", "ground"],
    ["link", "ground"],
    ["#ffffff", "accent"],
    ["#ffffff", "accent-strong"],
  ])("text %s on %s has AA contrast (WCAG 1.4.3)", (text, ground) => {
    expect(contrast(scheme, text, ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each([
    ["edge", "card"],
    ["link", "card"],
    ["accent", "card"],
  ])("the outline %s stands out from %s (WCAG 1.4.11)", (edge, ground) => {
    expect(contrast(scheme, edge, ground)).toBeGreaterThanOrEqual(3);
  });
});

it("keeps a visible focus ring and moves only where motion is welcome", () => {
  expect(stylesheet).toMatch(/:focus-visible \{ outline: 3px solid/);
  expect(stylesheet).not.toMatch(/outline: (none|0)/);
  const withoutQuery = stylesheet.replace(
    /@media \(prefers-reduced-motion: no-preference\) \{[^]*?\n\}/,
    "",
  );
  expect(withoutQuery).not.toMatch(/transition|animation/);
});
