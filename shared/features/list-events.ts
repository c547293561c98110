import { z } from "zod";
import { type Call, defineTool, FeatureError } from "./feature.ts";

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

const event = z.object({
  subject: z.string(),
  start: z.string(),
  end: z.string(),
  isAllDay: z.boolean(),
  location: z.string().optional(),
  organizer: z.string().optional(),
});

export const listEvents = defineTool({
  name: "listEvents",
  title: "List my events",
  description: "The signed-in person's upcoming calendar events, in their own time zone.",
  requires: "calendar.read",
  annotations: { readOnlyHint: true, openWorldHint: true },
  input: z.object({
    days: z.number().int().min(1).max(31).default(7).describe("How many days ahead to look"),
    filter: z.string().optional().describe("The name of one of the person's saved filters"),
  }),
  output: z.object({ timeZone: z.string(), events: z.array(event) }),
  async run({ days, filter }, call) {
    const { timeZone, filters } = await call.settings.read();
    // Own names only: `toString` is the name of no filter.
    const wanted = filter === undefined ? "" : new Map(Object.entries(filters)).get(filter);
    if (wanted === undefined) {
      throw new FeatureError(`There is no filter named ${filter}. Save it with updateSettings.`);
    }
    const events = await readCalendar(call, days, timeZone);
    return {
      timeZone,
      events: events.filter(({ subject }) => subject.toLowerCase().includes(wanted.toLowerCase())),
    };
  },
  text: ({ events, timeZone }) =>
    events.length === 0
      ? "No events."
      : [`Times are in ${timeZone}.`, ...events.map(describeEvent)].join("\n"),
});

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

function describeEvent({ subject, start, end, location }: z.infer<typeof event>): string {
  return `- ${start} to ${end}: ${subject}${location ? ` (${location})` : ""}`;
}
