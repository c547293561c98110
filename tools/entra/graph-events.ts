import { calendarEndpoint } from "./calendar-endpoint.ts";
import type { CalendarEvent } from "./calendar-event.ts";
import { ACCOUNTS } from "./directory.ts";
import { parseEvent } from "./event-request.ts";
import { eventResource } from "./event-resource.ts";
import type { GraphCaller } from "./graph-caller.ts";
import { graphError } from "./graph-error.ts";
import { preferredZone, UTC } from "./outlook-time.ts";
import type { Call, StandIn } from "./stand-in.ts";

/** `POST /v1.0/me/events`: a new event in the person's calendar. */
export const postGraphEvent = calendarEndpoint("Calendars.ReadWrite", (standIn, call, caller) => {
  const fields = parseEvent(call.body);
  if ("message" in fields) {
    return graphError(standIn, call, 400, fields.code, fields.message);
  }
  const { start, end } = fields;
  if (start === undefined || end === undefined) {
    return graphError(standIn, call, 400, "ErrorInvalidRequest", "Start and end are required.");
  }
  return orInvalid(standIn, call, () => {
    const event = standIn.calendars.create(caller.account, { ...fields, start, end });
    return written(standIn, call, event, 201);
  });
});

/** `GET /v1.0/me/events/{id}` */
export const getGraphEvent = calendarEndpoint("Calendars.Read", (standIn, call, caller) => {
  const event = ownEvent(standIn, call, caller);
  return event ? written(standIn, call, event, 200) : notFound(standIn, call);
});

/** `PATCH /v1.0/me/events/{id}`: changes what the body names. */
export const patchGraphEvent = calendarEndpoint("Calendars.ReadWrite", (standIn, call, caller) => {
  const event = ownEvent(standIn, call, caller);
  if (!event) {
    return notFound(standIn, call);
  }
  const fields = parseEvent(call.body);
  if ("message" in fields) {
    return graphError(standIn, call, 400, fields.code, fields.message);
  }
  return orInvalid(standIn, call, () =>
    written(standIn, call, standIn.calendars.change(event, fields), 200),
  );
});

/** `DELETE /v1.0/me/events/{id}` */
export const deleteGraphEvent = calendarEndpoint("Calendars.ReadWrite", (standIn, call, caller) => {
  const event = ownEvent(standIn, call, caller);
  if (!event) {
    return notFound(standIn, call);
  }
  standIn.calendars.remove(event);
  return new Response(null, { status: 204 });
});

/** The event that the path names, if it is in the caller's calendar. */
function ownEvent(standIn: StandIn, call: Call, caller: GraphCaller): CalendarEvent | undefined {
  const event = standIn.calendars.find(call.params["id"] ?? "");
  return event?.owner === caller.account.name ? event : undefined;
}

function written(standIn: StandIn, call: Call, event: CalendarEvent, status: number): Response {
  const zone = preferredZone(call.headers.get("prefer")) ?? UTC;
  const context = `${standIn.base}/v1.0/$metadata#users('${ACCOUNTS[event.owner].profile.id}')/events/$entity`;
  return Response.json({ "@odata.context": context, ...eventResource(event, zone) }, { status });
}

/** Answers `400` where the calendar says that the event would end before it starts. */
function orInvalid(standIn: StandIn, call: Call, act: () => Response): Response {
  try {
    return act();
  } catch (error) {
    if (error instanceof RangeError) {
      return graphError(standIn, call, 400, "ErrorPropertyValidationFailure", error.message);
    }
    throw error;
  }
}

function notFound(standIn: StandIn, call: Call): Response {
  const message = "The specified object was not found in the store.";
  return graphError(standIn, call, 404, "ErrorItemNotFound", message);
}
