import { expect, test } from "vitest";
import { parse } from "./running-host.ts";
import { startTimers, type TimerFunction } from "../../../tools/functions-host/timers.ts";

const START = Date.parse("2026-11-21T10:00:00.500Z");

/** Timers on a clock that moves only when told. */
function startOnClock(timer: Partial<TimerFunction>, due: Record<string, string> = {}) {
  const runs: { at: string; timer: { isPastDue: boolean; hasStatus: boolean } }[] = [];
  const waits: { at: number; callback: () => void }[] = [];
  const dues: string[] = [];
  let now = START;
  const timers = startTimers(
    [{ name: "t", schedule: "0 * * * * *", runOnStartup: false, useMonitor: true, ...timer }],
    due,
    {
      now: () => new Date(now),
      after: (delayMs, callback) => {
        const wait = { at: now + delayMs, callback };
        waits.push(wait);
        return () => waits.splice(waits.indexOf(wait), 1);
      },
      settings: { SCHEDULE: "0 */2 * * * *" },
      run: async (_name, json) => {
        const { IsPastDue, ScheduleStatus } = parse<Record<string, unknown>>(json);
        const seen = { isPastDue: IsPastDue === true, hasStatus: ScheduleStatus !== null };
        runs.push({ at: new Date(now).toISOString(), timer: seen });
        now += 70_000;
      },
      onDue: (_name, next) => dues.push(next.toISOString()),
    },
  );
  const advance = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    const next = waits.shift();
    if (!next) return;
    now = Math.max(now, next.at);
    next.callback();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { timers, runs, dues, waits, advance };
}

test("runs at each occurrence, one run at a time, the next counted from its end", async () => {
  const { runs, dues, advance } = startOnClock({});
  await advance();
  await advance();
  expect(runs.map(({ at }) => at)).toEqual([
    "2026-11-21T10:01:00.000Z",
    "2026-11-21T10:03:00.000Z",
  ]);
  expect(runs[0]?.timer).toEqual({ isPastDue: false, hasStatus: true });
  expect(dues.slice(0, 2)).toEqual(["2026-11-21T10:01:00.000Z", "2026-11-21T10:03:00.000Z"]);
});

test("runs at once with runOnStartup, and not as past due", () => {
  const { runs } = startOnClock({ runOnStartup: true });
  expect(runs).toMatchObject([{ at: "2026-11-21T10:00:00.500Z", timer: { isPastDue: false } }]);
});

test("runs at once and past due when an occurrence passed while nothing ran", () => {
  const { runs } = startOnClock({}, { t: "2026-11-21T09:59:00.000Z" });
  expect(runs).toMatchObject([{ timer: { isPastDue: true } }]);
});

test("keeps no status of a schedule below a minute, nor without useMonitor", async () => {
  for (const timer of [{ schedule: "*/5 * * * * *" }, { useMonitor: false }]) {
    const { runs, advance } = startOnClock(timer, { t: "2026-11-21T09:59:00.000Z" });
    expect(runs).toEqual([]);
    await advance();
    expect(runs[0]?.timer).toEqual({ isPastDue: false, hasStatus: false });
  }
});

test("takes the schedule from a setting; what it cannot read is a fault and runs never", async () => {
  const { dues } = startOnClock({ schedule: "%SCHEDULE%" });
  expect(dues).toEqual(["2026-11-21T10:02:00.000Z"]);
  for (const schedule of ["%MISSING%", "every day"]) {
    const { timers, waits } = startOnClock({ schedule });
    expect(timers.faults).toEqual([expect.stringContaining("The 't' function is in error")]);
    expect(waits).toEqual([]);
    await expect(timers.runNow("t")).rejects.toThrow("no timer function 't'");
  }
});

test("runs when told to, and no more after stop", async () => {
  const { timers, runs, waits } = startOnClock({});
  await timers.runNow("t");
  expect(runs).toHaveLength(1);
  timers.stop();
  expect(waits).toEqual([]);
});
