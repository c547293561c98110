import { nextOccurrence, parseSchedule, type Schedule } from "./ncrontab.ts";

/** A timer function as it was registered. */
export interface TimerFunction {
  readonly name: string;
  /** NCRONTAB, or `%NAME%` for the setting that holds it. */
  readonly schedule: string;
  readonly runOnStartup: boolean;
  /** `false` keeps no status, so that nothing counts as past due. */
  readonly useMonitor: boolean;
}

/** What runs the timers needs from outside. */
export interface TimerDeps {
  readonly now: () => Date;
  /** Calls back once after so many milliseconds and returns what cancels it. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
  readonly settings: Readonly<Record<string, string | undefined>>;
  /** Runs the function with the JSON of its `Timer`; logs what it throws, and throws it. */
  readonly run: (name: string, timer: string) => Promise<void>;
  /** Told of the occurrence that each timer waits for, so that a later start knows what it missed. */
  readonly onDue: (name: string, next: Date) => void;
}

export interface Timers {
  /** What the host says of timers that it cannot read; the others run. */
  readonly faults: readonly string[];
  /** Runs one now, as the host's admin endpoint would; throws what it throws. */
  runNow(name: string): Promise<void>;
  stop(): void;
}

// The longest delay that setTimeout takes; a longer wait is cut into pieces.
const MAX_DELAY_MS = 2 ** 31 - 1;
const MONITORED_INTERVAL_MS = 60_000;

/**
 * Runs timer functions as the host does: one run of each at a time, the next occurrence counted from its end, at once
 * with `runOnStartup`, and at once with `isPastDue` when an occurrence passed while nothing ran.
 *
 * @param due the occurrences that an earlier process was waiting for, by name, as ISO strings
 * @see https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer
 */
export function startTimers(
  functions: readonly TimerFunction[],
  due: Readonly<Record<string, string>>,
  deps: TimerDeps,
): Timers {
  const faults: string[] = [];
  const running = new Map<string, { runNow: () => Promise<void>; stop: () => void }>();
  for (const timer of functions) {
    try {
      const schedule = parseSchedule(resolveSetting(timer.schedule, deps.settings));
      running.set(timer.name, startTimer(timer, schedule, due[timer.name], deps));
    } catch (error) {
      faults.push(`The '${timer.name}' function is in error: ${String(error)}`);
    }
  }
  return {
    faults,
    runNow: async (name) => {
      const timer = running.get(name);
      if (!timer) throw new Error(`There is no timer function '${name}'.`);
      await timer.runNow();
    },
    stop: () => {
      for (const { stop } of running.values()) stop();
    },
  };
}

function startTimer(
  timer: TimerFunction,
  schedule: Schedule,
  missed: string | undefined,
  { now, after, run, onDue }: TimerDeps,
): { runNow: () => Promise<void>; stop: () => void } {
  const isMonitored = timer.useMonitor && interval(schedule, now()) >= MONITORED_INTERVAL_MS;
  let cancel: (() => void) | undefined;
  let stopped = false;
  let last = new Date(0);

  const execute = async (isPastDue: boolean): Promise<void> => {
    const started = now();
    const next = nextOccurrence(schedule, started);
    const status = { Last: last, Next: next, LastUpdated: last };
    last = started;
    await run(
      timer.name,
      JSON.stringify({
        Schedule: { AdjustForDST: true },
        ScheduleStatus: isMonitored ? status : null,
        IsPastDue: isPastDue,
      }),
    );
  };
  const wait = (until: Date): void => {
    const delay = until.getTime() - now().getTime();
    cancel = after(Math.min(Math.max(delay, 0), MAX_DELAY_MS), () => {
      if (delay > MAX_DELAY_MS) wait(until);
      else void execute(false).then(scheduleNext, scheduleNext);
    });
  };
  const scheduleNext = (): void => {
    const next = nextOccurrence(schedule, now());
    if (stopped || !next) return;
    onDue(timer.name, next);
    wait(next);
  };

  const isPastDue = isMonitored && missed !== undefined && new Date(missed) < now();
  if (isPastDue || timer.runOnStartup) void execute(isPastDue).then(scheduleNext, scheduleNext);
  else scheduleNext();
  return {
    runNow: () => execute(false),
    stop: () => {
      stopped = true;
      cancel?.();
    },
  };
}

function interval(schedule: Schedule, now: Date): number {
  const first = nextOccurrence(schedule, now);
  const second = first && nextOccurrence(schedule, first);
  return first && second ? second.getTime() - first.getTime() : Infinity;
}

function resolveSetting(schedule: string, settings: TimerDeps["settings"]): string {
  const name = /^%(.+)%$/.exec(schedule)?.[1];
  if (name === undefined) return schedule;
  const value = settings[name];
  if (value === undefined) throw new Error(`The setting '${name}' of its schedule is not set.`);
  return value;
}
