/** A parsed schedule: for each field the values it allows. */
export interface Schedule {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  readonly months: readonly number[];
  readonly weekdays: readonly number[];
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
// 29 February on a given weekday comes back after 40 years at the latest.
const HORIZON_DAYS = 366 * 41;

/**
 * Parses an NCRONTAB expression: `{second} {minute} {hour} {day} {month} {day of week}`, the seconds optional.
 *
 * @throws Error when the expression is not NCRONTAB; a `TimeSpan` is refused too, for Flex does not take one
 * @see https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
 */
export function parseSchedule(expression: string): Schedule {
  const fields = expression.trim().split(/\s+/);
  const [seconds, minutes, hours, days, months, weekdays] =
    fields.length === 5 ? ["0", ...fields] : fields;
  if (
    fields.length > 6 ||
    seconds === undefined ||
    minutes === undefined ||
    hours === undefined ||
    days === undefined ||
    months === undefined ||
    weekdays === undefined
  ) {
    throw new Error(`The schedule expression "${expression}" was not recognized as NCRONTAB.`);
  }
  return {
    seconds: parseField(seconds, 0, 59),
    minutes: parseField(minutes, 0, 59),
    hours: parseField(hours, 0, 23),
    days: parseField(days, 1, 31),
    months: parseField(months, 1, 12, MONTHS),
    weekdays: parseField(weekdays, 0, 6, WEEKDAYS),
  };
}

/**
 * The next occurrence strictly after `now`, in UTC (the time zone of the host in Azure). Day and day of week must both
 * match, as in NCrontab and unlike cron.
 *
 * @returns `undefined` when the schedule never occurs, such as on 30 February
 */
export function nextOccurrence(schedule: Schedule, now: Date): Date | undefined {
  const from = new Date(Math.floor(now.getTime() / 1000) * 1000 + 1000);
  const midnight = Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate());
  for (let day = 0; day < HORIZON_DAYS; day += 1) {
    const date = new Date(midnight + day * 86_400_000);
    if (!allowsDay(schedule, date)) continue;
    const time = timeOfDay(schedule, day === 0 ? from : date);
    if (time !== undefined) return new Date(date.getTime() + time * 1000);
  }
  return undefined;
}

function allowsDay(schedule: Schedule, date: Date): boolean {
  return (
    schedule.months.includes(date.getUTCMonth() + 1) &&
    schedule.days.includes(date.getUTCDate()) &&
    schedule.weekdays.includes(date.getUTCDay())
  );
}

/** The first allowed second of the day at or after `from`'s time, in seconds since midnight. */
function timeOfDay({ hours, minutes, seconds }: Schedule, from: Date): number | undefined {
  const earliest = from.getUTCHours() * 3600 + from.getUTCMinutes() * 60 + from.getUTCSeconds();
  for (const hour of hours) {
    if (hour * 3600 + 3599 < earliest) continue;
    for (const minute of minutes) {
      const start = hour * 3600 + minute * 60;
      if (start + 59 < earliest) continue;
      const second = seconds.find((candidate) => start + candidate >= earliest);
      if (second !== undefined) return start + second;
    }
  }
  return undefined;
}

function parseField(field: string, min: number, max: number, names: string[] = []): number[] {
  const allowed = new Set<number>();
  for (const item of field.split(",")) {
    const match = /^(?:\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d+))?$/i.exec(item);
    if (!match) throw new Error(`"${item}" is not an NCRONTAB field.`);
    const [, first, last, step] = match;
    const open = first === undefined || (last === undefined && step !== undefined);
    const from = first === undefined ? min : toNumber(first, min, names);
    const to = open ? max : toNumber(last ?? first, min, names);
    const by = Number(step ?? 1);
    if (from < min || to > max || from > to || by < 1) {
      throw new Error(`"${item}" is out of the range ${min} to ${max}.`);
    }
    for (let value = from; value <= to; value += by) allowed.add(value);
  }
  return [...allowed].toSorted((a, b) => a - b);
}

function toNumber(text: string, min: number, names: readonly string[]): number {
  const named = names.indexOf(text.slice(0, 3).toLowerCase());
  if (named >= 0) return named + min;
  if (!/^\d+$/.test(text)) throw new Error(`"${text}" is not a number.`);
  return Number(text);
}
