import { expect, test } from "vitest";
import { createLog, type LogEntry } from "../../../tools/functions-host/log.ts";

function linesOf(logLevels: Record<string, string>, ...entries: LogEntry[]): string[] {
  const lines: string[] = [];
  const log = createLog(
    logLevels,
    (line) => lines.push(line),
    () => new Date("2026-11-21T10:00:00Z"),
  );
  for (const entry of entries) log(entry);
  return lines;
}

const user = { category: "user", functionName: "hello" } as const;

test("an entry is one line with its time, level and function", () => {
  expect(linesOf({}, { ...user, level: "warning", message: "two\n  lines\n" })).toEqual([
    "10:00:00.000 warning     hello: two | lines",
  ]);
});

test("the level of host.json decides, the most specific category first", () => {
  const levels = { default: "Error", Function: "Warning", "Function.hello": "Debug" };
  const debug = { ...user, level: "debug", message: "m" } as const;
  expect(linesOf(levels, debug)).toHaveLength(1);
  expect(linesOf(levels, { ...debug, functionName: "other" })).toHaveLength(0);
  expect(linesOf({ default: "None" }, { ...user, level: "critical", message: "m" })).toEqual([]);
});

test("what the library says of itself is shown from a warning on, or at Debug", () => {
  const system = { category: "system", level: "information", message: "m" } as const;
  expect(linesOf({}, system)).toHaveLength(0);
  expect(linesOf({}, { ...system, level: "warning" })).toHaveLength(1);
  expect(linesOf({ default: "Debug" }, system)).toHaveLength(1);
});
