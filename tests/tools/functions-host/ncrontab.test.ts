import { expect, test } from "vitest";
import { nextOccurrence, parseSchedule } from "../../../tools/functions-host/ncrontab.ts";

const NOW = new Date("2026-11-21T23:59:30.250Z"); // a Saturday

test.each([
  ["* * * * * *", "2026-11-21T23:59:31.000Z"],
  ["*/20 * * * * *", "2026-11-21T23:59:40.000Z"],
  ["0 */5 * * * *", "2026-11-22T00:00:00.000Z"],
  ["30 59 23 * * *", "2026-11-22T23:59:30.000Z"],
  ["31 59 23 * * *", "2026-11-21T23:59:31.000Z"],
  ["0 30 9-17/4 * * Mon-Fri", "2026-11-23T09:30:00.000Z"],
  ["0 0 0 1 jan,MARCH *", "2027-01-01T00:00:00.000Z"],
  ["15 3 * * *", "2026-11-22T03:15:00.000Z"],
  ["0 0 0 29 2 *", "2028-02-29T00:00:00.000Z"],
  // Both the day and the weekday must match, unlike cron.
  ["0 0 0 13 * 5", "2027-08-13T00:00:00.000Z"],
  ["50/5 0 0 * * *", "2026-11-22T00:00:50.000Z"],
])("%s comes next at %s", (expression, next) => {
  expect(nextOccurrence(parseSchedule(expression), NOW)?.toISOString()).toBe(next);
});

test("a schedule that never occurs has no next occurrence", () => {
  expect(nextOccurrence(parseSchedule("0 0 0 30 2 *"), NOW)).toBeUndefined();
});

test.each([
  "",
  "* * * *",
  "60 * * * * *",
  "* * * * * 7",
  "* * * 0 * *",
  "5-1 * * * * *",
  "a * * * * *",
  "00:05:00",
  "*/0 * * * * *",
])("refuses %j", (expression) => {
  expect(() => parseSchedule(expression)).toThrow();
});
