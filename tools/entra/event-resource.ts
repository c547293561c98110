import { etagOf } from "./calendar-event.ts";
import type { CalendarEvent } from "./calendar-event.ts";
import { ACCOUNTS } from "./directory.ts";
import { dateTimeTimeZone } from "./outlook-time.ts";
import type { Zone } from "./outlook-time.ts";

/**
 * A calendar event as Graph writes it.
 *
 * @param zone the time zone of its start and end
 */
export function eventResource(event: CalendarEvent, zone: Zone) {
  const isOrganizer = event.organizer.address === ACCOUNTS[event.owner].profile.mail;
  return {
    "@odata.etag": etagOf(event),
    id: event.id,
    subject: event.subject,
    bodyPreview: event.bodyPreview,
    body: { contentType: "text", content: event.bodyPreview },
    start: dateTimeTimeZone(event.start, zone),
    end: dateTimeTimeZone(event.end, zone),
    originalStartTimeZone: "UTC",
    originalEndTimeZone: "UTC",
    location: { displayName: event.location, locationType: "default" },
    organizer: { emailAddress: event.organizer },
    attendees: event.attendees.map((attendee) => ({
      type: "required",
      status: { response: "none", time: "0001-01-01T00:00:00Z" },
      emailAddress: attendee,
    })),
    isAllDay: false,
    isCancelled: false,
    isOnlineMeeting: event.online,
    isOrganizer,
    importance: "normal",
    sensitivity: "normal",
    showAs: "busy",
    type: "singleInstance",
    responseStatus: {
      response: isOrganizer ? "organizer" : "accepted",
      time: "0001-01-01T00:00:00Z",
    },
    webLink: `https://outlook.example/calendar/item/${event.id}`,
  };
}
