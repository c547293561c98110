import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ROOT } from "../../tools/stack/command-line.ts";
import { sources } from "./sources.ts";

it("has every error page by its title (docs/troubleshooting.md)", () => {
  const page = readFileSync(new URL("docs/troubleshooting.md", ROOT), "utf8");
  const titles = sources()
    .filter((text) => /\bPageError\b/.test(text))
    .flatMap((text) => [...text.matchAll(/\btitle:([^]*?),\n\s*(?:message|whatToDo)/g)])
    .flatMap(([, expression = ""]) => [...expression.matchAll(/"([A-Z]\w* [^"]+)"/g)])
    .map(([, title = ""]) => title);
  expect(titles.length).toBeGreaterThan(12);
  expect(titles.filter((title) => !page.includes(title))).toEqual([]);
});
