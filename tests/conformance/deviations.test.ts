import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const HERE = new URL("./", import.meta.url);
const DOCS = new URL("../../docs/", import.meta.url);

/** The rules of all tables that say that they deviate. */
const rows = readdirSync(HERE)
  .filter((file) => file !== "deviations.test.ts")
  .flatMap((file) => [
    ...readFileSync(new URL(file, HERE), "utf8").matchAll(/"[^"]*deviates[^"]*"/g),
  ])
  .map(([title]) => title);

const numbersIn = (text: string, pattern: RegExp) =>
  new Set(Array.from(text.matchAll(pattern), ([, number]) => Number(number)));

it("every deviation names a decision that is written down", () => {
  const written = numbersIn(readdirSync(new URL("adr/", DOCS)).join("\n"), /^(\d{4})-/gm);
  expect(rows.length).toBeGreaterThan(10);
  for (const title of rows) {
    const [number] = numbersIn(title, /: ADR (\d+)\)"$/g);
    expect(written, title).toContain(number);
  }
});

it("the security page lists the same decisions as the tables", () => {
  const page = readFileSync(new URL("security.md", DOCS), "utf8");
  const [, section = ""] = /^## Deliberate deviations\n([^]*?)\n## /m.exec(page) ?? [];
  const listed = numbersIn(section, /\[ADR (\d+)\]/g);
  expect(listed).toEqual(numbersIn(rows.join("\n"), /: ADR (\d+)\)/g));
});
