import { graphWatch } from "../live/graph-watch.ts";
import type { Resource } from "./feature.ts";
import { CALENDAR_URI, upcomingEvents } from "./upcoming-events.ts";

const DAYS = 7;

export const calendarResource: Resource = {
  uri: CALENDAR_URI,
  name: "upcoming",
  title: "My upcoming events",
  description: `The signed-in person's calendar events of the next ${DAYS} days, in their own time zone.`,
  mimeType: "application/json",
  requires: "calendar.read",
  watch: graphWatch("me/events", "calendar.read"),
  async read(call) {
    const { timeZone } = await call.settings.read();
    return JSON.stringify({ timeZone, events: await upcomingEvents(call, DAYS, timeZone) });
  },
};
