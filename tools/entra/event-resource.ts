import type { CalendarEvent } from "./calendar.ts";
import type { Account } from "./directory.ts";
import { dateTimeTimeZone } from "./outlook-time.ts";
import type { Zone } from "./outlook-time.ts";

/**
 * A calendar event as Graph writes it.
 *
 * @param owner whose calendar it is in
 * @param zone the time zone of its start and end
 */
export function eventResource(event: CalendarEvent, owner: Account, zone: Zone) {
  return {
    "@odata.etag": `W/"${event.id}"`,
    id: event.id,
    subject: event.subject,
    bodyPreview: event.bodyPreview,
    body: { contentType: "text", content: event.bodyPreview },
    start: dateTimeTimeZone(event.start, zone),
    end: dateTimeTimeZone(event.end, zone),
    originalStartTimeZone: "UTC",
    originalEndTimeZone: "UTC",
    location: { displayName: event.location, locationType: "default" },
    organizer: { emailAddress: emailAddress(event.organizer) },
    attendees: event.attendees.map((attendee) => ({
      type: "required",
      status: { response: "none", time: "0001-01-01T00:00:00Z" },
      emailAddress: emailAddress(attendee),
    })),
    isAllDay: false,
    isCancelled: false,
    isOnlineMeeting: event.online,
    isOrganizer: event.organizer === owner,
    importance: "normal",
    sensitivity: "normal",
    showAs: "busy",
    type: "singleInstance",
    responseStatus: {
      response: event.organizer === owner ? "organizer" : "accepted",
      time: "0001-01-01T00:00:00Z",
    },
    webLink: `https://outlook.example/calendar/item/${event.id}`,
  };
}

function emailAddress({ profile }: Account) {
  return { name: profile.displayName, address: profile.mail };
}
