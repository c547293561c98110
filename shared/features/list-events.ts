import { z } from "zod";
import { FeatureError } from "./feature-errors.ts";
import { defineTool } from "./feature.ts";
import { event, upcomingEvents } from "./upcoming-events.ts";

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
    const events = await upcomingEvents(call, days, timeZone);
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

function describeEvent({ subject, start, end, location }: z.infer<typeof event>): string {
  return `- ${start} to ${end}: ${subject}${location ? ` (${location})` : ""}`;
}
