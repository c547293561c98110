import { existsSync, globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ROOT } from "../../tools/stack/command-line.ts";

const FOLDER = fileURLToPath(ROOT);
const OURS = ["*.md", "docs/**/*.md", "tools/**/*.md"];
const PAGES = globSync(OURS, { cwd: FOLDER }).map((name) => name.replaceAll("\\", "/"));

describe.each(PAGES)("%s", (page) => {
  it("refers to files and headings that are there", () => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    expect(links.filter((link) => !/^(https?|mailto):/.test(link) && !leadsOn(page, link))).toEqual(
      [],
    );
  });
});

it("names for each threat tests that are there (docs/security.md)", () => {
  const rows = read("docs/security.md").split("\n");
  const named = rows.flatMap((row) => {
    const column = row.startsWith("| ") ? (row.split("|")[3] ?? "") : "";
    return [...column.matchAll(/`([\w/-]+)`/g)].map(([, name = ""]) => name);
  });
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((name) => !isTest(name))).toEqual([]);
});

function leadsOn(page: string, link: string): boolean {
  const [path = "", heading] = link.split("#");
  const target = path === "" ? page : posix.join(posix.dirname(page), path);
  if (!existsSync(new URL(target, ROOT))) return false;
  return heading === undefined || anchors(read(target)).includes(heading);
}

/** As GitHub makes them of headings. */
function anchors(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}

/** A test file, or a folder of them. */
function isTest(name: string): boolean {
  const path = name.includes("/") ? name : `tests/attacks/${name}`;
  return existsSync(new URL(path, ROOT)) || existsSync(new URL(`${path}.test.ts`, ROOT));
}

function read(page: string): string {
  return readFileSync(new URL(page, ROOT), "utf8");
}
