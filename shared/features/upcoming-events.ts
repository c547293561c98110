import { z } from "zod";
import type { Call } from "./call.ts";

/** The resource whose watch says when what was read is out of date. */
export const CALENDAR_URI = "calendar://me/upcoming";

const DAY_MS = 86_400_000;
const PAGE_SIZE = 25;
const MAX_PAGES = 10;

const dateTime = z.object({ dateTime: z.string(), timeZone: z.string() });

/** The part of Graph's `calendarView` answer that is read here. */
const calendarPage = z.object({
  value: z.array(
    z.object({
      subject: z.string().nullish(),
      start: dateTime,
      end: dateTime,
      isAllDay: z.boolean().nullish(),
      location: z.object({ displayName: z.string().nullish() }).nullish(),
      organizer: z
        .object({ emailAddress: z.object({ name: z.string().nullish() }).nullish() })
        .nullish(),
    }),
  ),
  "@odata.nextLink": z.string().optional(),
});

export const event = z.object({
  subject: z.string(),
  start: z.string(),
  end: z.string(),
  isAllDay: z.boolean(),
  location: z.string().optional(),
  organizer: z.string().optional(),
});

/**
 * The person's events of the next days: from Graph, or as they were read before, if the calendar has not
 * changed since.
 *
 * @throws GraphError, EntraError
 */
export function upcomingEvents(
  call: Call,
  days: number,
  timeZone: string,
): Promise<readonly z.infer<typeof event>[]> {
  const variant = `${days} days, ${timeZone}`;
  return call.cached(CALENDAR_URI, variant, () => readCalendar(call, days, timeZone));
}

/** Reads page by page and tells the client how far it is. */
async function readCalendar(
  call: Call,
  days: number,
  timeZone: string,
): Promise<z.infer<typeof event>[]> {
  const now = call.clock.now();
  const query = new URLSearchParams({
    startDateTime: new Date(now).toISOString(),
    endDateTime: new Date(now + days * DAY_MS).toISOString(),
    $select: "subject,start,end,isAllDay,location,organizer",
    $orderby: "start/dateTime",
    $top: String(PAGE_SIZE),
  });
  const events: z.infer<typeof event>[] = [];
  let next: string | undefined = `/v1.0/me/calendarView?${query}`;
  for (let pages = 0; next !== undefined && pages < MAX_PAGES; pages++) {
    const page: z.infer<typeof calendarPage> = await call.graph.get(next, calendarPage, {
      headers: { Prefer: `outlook.timezone="${timeZone}"` },
    });
    events.push(...page.value.map(toEvent));
    next = page["@odata.nextLink"];
    await call.progress({ progress: events.length, message: `${events.length} events read` });
  }
  return events;
}

function toEvent(found: z.infer<typeof calendarPage>["value"][number]): z.infer<typeof event> {
  return {
    subject: found.subject ?? "(no subject)",
    start: found.start.dateTime,
    end: found.end.dateTime,
    isAllDay: found.isAllDay ?? false,
    location: found.location?.displayName ?? undefined,
    organizer: found.organizer?.emailAddress?.name ?? undefined,
  };
}
