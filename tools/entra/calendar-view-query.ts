import type { Refusal } from "./graph-error.ts";
import { parseMoment, preferredZone } from "./outlook-time.ts";
import type { Zone } from "./outlook-time.ts";
import type { Call } from "./stand-in.ts";

const DEFAULT_PAGE = 10;
const MAX_PAGE = 1000;
const MAX_DAYS = 1825;
const ORDERS = ["start/datetime", "end/datetime", "subject"];

/** What a `calendarView` request asks for; times are milliseconds. */
export interface CalendarView {
  readonly from: number;
  readonly to: number;
  readonly top: number;
  readonly skip: number;
  readonly order: { readonly by: string; readonly descending: boolean };
  readonly select: readonly string[] | undefined;
  readonly zone: Zone;
}

/**
 * Reads the query and the `Prefer` header of a `calendarView` request.
 *
 * @returns what is asked for, or the error to answer with
 */
export function parseCalendarView(call: Pick<Call, "url" | "headers">): CalendarView | Refusal {
  const query = call.url.searchParams;
  const [start, end] = [parameter(query, "startDateTime"), parameter(query, "endDateTime")];
  if (!start || !end) {
    return refuse(
      "ErrorInvalidParameter",
      "This request requires a time window specified by the query string parameters StartDateTime and EndDateTime.",
    );
  }
  const [from, to] = [parseMoment(start), parseMoment(end)];
  if (from === undefined || to === undefined) {
    const [name, value] = from === undefined ? ["StartDateTime", start] : ["EndDateTime", end];
    return refuse(
      "ErrorInvalidParameter",
      `The value '${value}' of parameter '${name}' is invalid.`,
    );
  }
  if (to < from) {
    return refuse("ErrorInvalidParameter", "EndDateTime is earlier than StartDateTime.");
  }
  if (to - from > MAX_DAYS * 24 * 60 * 60 * 1000) {
    return refuse(
      "ErrorCalendarViewRangeTooBig",
      `The range between the start and end dates is greater than the allowed range. Maximum number of days: ${MAX_DAYS}`,
    );
  }
  const top = wholeNumber(query.get("$top") ?? String(DEFAULT_PAGE));
  const skip = wholeNumber(query.get("$skip") ?? "0");
  if (top === undefined || top < 1 || top > MAX_PAGE || skip === undefined) {
    return refuse("ErrorInvalidUrlQuery", `$top has to be from 1 to ${MAX_PAGE}, $skip from 0.`);
  }
  const [by = "", direction = "asc"] = (query.get("$orderby") ?? "start/dateTime")
    .toLowerCase()
    .split(" ");
  if (!ORDERS.includes(by) || !["asc", "desc"].includes(direction)) {
    return refuse("ErrorInvalidUrlQueryFilter", `$orderby '${by}' is not supported.`);
  }
  const zone = preferredZone(call.headers.get("prefer"));
  if (!zone) {
    return refuse(
      "TimeZoneNotSupportedException",
      "A valid TimeZone value must be specified in the Prefer header.",
    );
  }
  return {
    from,
    to,
    top,
    skip,
    order: { by, descending: direction === "desc" },
    select: query
      .get("$select")
      ?.split(",")
      .map((name) => name.trim()),
    zone,
  };
}

const refuse = (code: string, message: string): Refusal => ({ code, message });

/** Graph ignores the case of these two names. */
function parameter(query: URLSearchParams, name: string): string | undefined {
  return [...query].find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}
