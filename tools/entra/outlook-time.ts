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

/**
 * Reads the time zone of a `Prefer: outlook.timezone="…"` header.
 *
 * @returns the zone's name as it was written and the IANA zone; UTC without a preference; undefined for a zone
 *   that does not exist
 */
export function preferredZone(prefer: string | null): Zone | undefined {
  const name = /outlook\.timezone\s*=\s*"?([^",;]+)"?/i.exec(prefer ?? "")?.[1]?.trim();
  if (name === undefined) {
    return { name: "UTC", iana: "UTC", asked: false };
  }
  const iana = WINDOWS_ZONES[name] ?? name;
  try {
    new Intl.DateTimeFormat("en", { timeZone: iana }).format(0);
  } catch {
    return undefined;
  }
  return { name, iana, asked: true };
}

/** Writes a moment as Graph's `dateTimeTimeZone`: local time with seven decimals, and the zone's name. */
export function dateTimeTimeZone(moment: number, zone: Zone) {
  // The Swedish locale writes "2026-11-21 09:00:00", which is ISO but for the blank.
  const local = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone.iana,
    dateStyle: "short",
    timeStyle: "medium",
  }).format(moment);
  return { dateTime: `${local.replace(" ", "T")}.0000000`, timeZone: zone.name };
}

/**
 * Reads an ISO 8601 moment as `calendarView` does: without an offset it is UTC.
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
