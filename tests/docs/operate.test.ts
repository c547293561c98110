import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ROOT } from "../../tools/stack/command-line.ts";
import { sources } from "./sources.ts";

/** A call of the log, or of what hands the event's name on to it. */
const WRITTEN =
  /(?:\blog|#log)\.(?:info|warn|error|audit)\(\s*"([a-z-]+)"|#forPerson\("([a-z-]+)"/g;

const code = sources().join("\n");

it("describes every event that the log may have, and no other (docs/operate.md)", () => {
  expect(eventsInDocs().toSorted()).toEqual([...eventsInCode()].toSorted());
});

it("says what each audit event is for in a table of its own", () => {
  const [audits = "", events = ""] = tables();
  const audited = new Set(matches(code, /\.audit\(\s*"([a-z-]+)"/g));
  expect(new Set(firstColumn(audits))).toEqual(audited);
  for (const event of firstColumn(events)) expect(audited).not.toContain(event);
});

function eventsInCode(): Set<string> {
  return new Set(matches(code, WRITTEN));
}

function eventsInDocs(): string[] {
  return tables().flatMap(firstColumn);
}

/** The tables of the section on the log. */
function tables(): string[] {
  const text = readFileSync(new URL("docs/operate.md", ROOT), "utf8");
  const section = /^## The log$([^]*?)^## /m.exec(text)?.[1] ?? "";
  return section.match(/(?:^\|.*\n)+/gm) ?? [];
}

function firstColumn(table: string): string[] {
  const rows = table.split("\n").filter((row) => row.startsWith("| `"));
  return rows.flatMap((row) => matches(row.split("|")[1] ?? "", /`([a-z-]+)`/g));
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, ...groups]) => groups.find(Boolean) ?? "");
}
