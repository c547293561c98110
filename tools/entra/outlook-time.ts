/** The Windows names that Outlook users meet most, as IANA zones; IANA names are taken as they are. */
const WINDOWS_ZONES: Readonly<Record<string, string>> = {
  UTC: "UTC",
  "Pacific Standard Time": "America/Los_Angeles",
  "Mountain Standard Time": "America/Denver",
  "Central Standard Time": "America/Chicago",
  "Eastern Standard Time": "America/New_York",
  "GMT Standard Time": "Europe/London",
  "W. Europe Standard Time": "Europe/Berlin",
  "Romance Standard Time": "Europe/Paris",
  "Central European Standard Time": "Europe/Warsaw",
  "India Standard Time": "Asia/Kolkata",
  "Tokyo Standard Time": "Asia/Tokyo",
  "AUS Eastern Standard Time": "Australia/Sydney",
};

/** A time zone under the name that the caller uses. */
export interface Zone {
  readonly name: string;
  readonly iana: string;
  /** Whether the caller asked for it, so that the answer says so. */
  readonly asked: boolean;
}

/** What is meant where nobody names a zone. */
export const UTC: Zone = { name: "UTC", iana: "UTC", asked: false };

/**
 * Reads the time zone of a `Prefer: outlook.timezone="…"` header.
 *
 * @returns the zone's name as it was written and the IANA zone; UTC without a preference; undefined for a zone
 *   that does not exist
 */
export function preferredZone(prefer: string | null): Zone | undefined {
  const name = /outlook\.timezone\s*=\s*"?([^",;]+)"?/i.exec(prefer ?? "")?.[1]?.trim();
  if (name === undefined) {
    return UTC;
  }
  const iana = ianaZone(name);
  return iana === undefined ? undefined : { name, iana, asked: true };
}

function ianaZone(name: string): string | undefined {
  const iana = WINDOWS_ZONES[name] ?? name;
  try {
    new Intl.DateTimeFormat("en", { timeZone: iana }).format(0);
    return iana;
  } catch {
    return undefined;
  }
}

/** Writes a moment as Graph's `dateTimeTimeZone`: local time with seven decimals, and the zone's name. */
export function dateTimeTimeZone(moment: number, zone: Zone) {
  return { dateTime: `${localTime(moment, zone.iana)}.0000000`, timeZone: zone.name };
}

/**
 * Reads Graph's `dateTimeTimeZone`; a time with an offset of its own keeps it.
 *
 * @returns milliseconds, or undefined for no time or an unknown zone
 */
export function momentOf(time: { dateTime: string; timeZone: string }): number | undefined {
  const iana = ianaZone(time.timeZone);
  const moment = parseMoment(time.dateTime);
  if (iana === undefined || moment === undefined) {
    return undefined;
  }
  if (/(Z|[+-]\d{2}:\d{2})$/.test(time.dateTime)) {
    return moment;
  }
  // The offset at the moment itself is wanted; the one at the same hour in UTC leads there, across a clock change too.
  const nearby = moment - offsetAt(moment, iana);
  return moment - offsetAt(nearby, iana);
}

function offsetAt(moment: number, iana: string): number {
  const seconds = Math.floor(moment / 1000) * 1000;
  return Date.parse(`${localTime(moment, iana)}Z`) - seconds;
}

function localTime(moment: number, iana: string): string {
  // The Swedish locale writes "2026-11-21 09:00:00", which is ISO but for the blank.
  return new Intl.DateTimeFormat("sv-SE", {
    timeZone: iana,
    dateStyle: "short",
    timeStyle: "medium",
  })
    .format(moment)
    .replace(" ", "T");
}

/**
 * Reads an ISO 8601 moment as Graph does: without an offset it is UTC.
 *
 * @returns milliseconds, or undefined for anything else
 */
export function parseMoment(text: string): number | undefined {
  const match =
    /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (!match) {
    return undefined;
  }
  const moment = Date.parse(`${match[1]}${match[2] ?? "T00:00"}${match[5] ?? "Z"}`);
  return Number.isNaN(moment) ? undefined : moment;
}
