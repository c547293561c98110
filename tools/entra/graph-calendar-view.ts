import { calendarEndpoint } from "./calendar-endpoint.ts";
import { parseCalendarView } from "./calendar-view-query.ts";
import type { CalendarView } from "./calendar-view-query.ts";
import type { CalendarEvent } from "./calendar-event.ts";
import { eventResource } from "./event-resource.ts";
import { graphError } from "./graph-error.ts";
import { pickProperties } from "./odata.ts";
import type { Call, StandIn } from "./stand-in.ts";

/**
 * `GET /v1.0/me/calendarView?startDateTime=…&endDateTime=…`: the person's events in a window, with `$top`,
 * `$skip`, `$orderby`, `$select`, `@odata.nextLink` and `Prefer: outlook.timezone`.
 */
export const graphCalendarView = calendarEndpoint("Calendars.Read", (standIn, call, caller) => {
  const view = parseCalendarView(call);
  if ("message" in view) {
    return graphError(standIn, call, 400, view.code, view.message);
  }
  const events = ordered(standIn.calendars.between(caller.account, view.from, view.to), view.order);
  const shown = events.slice(view.skip, view.skip + view.top);
  const value: Record<string, unknown>[] = [];
  for (const event of shown) {
    const picked = select(event, view);
    if ("unknown" in picked) {
      const message = `Could not find a property named '${picked.unknown}' on type 'Microsoft.OutlookServices.Event'.`;
      return graphError(standIn, call, 400, "RequestBroker--ParseUri", message);
    }
    value.push(picked.properties);
  }
  const more = events.length > view.skip + view.top;
  return Response.json(
    {
      "@odata.context": `${standIn.base}/v1.0/$metadata#users('${caller.account.profile.id}')/calendarView`,
      value,
      ...(more && { "@odata.nextLink": nextLink(standIn, call, view.skip + view.top) }),
    },
    {
      headers: view.zone.asked
        ? { "preference-applied": `outlook.timezone="${view.zone.name}"` }
        : {},
    },
  );
});

function ordered(
  events: CalendarEvent[],
  { by, descending }: CalendarView["order"],
): CalendarEvent[] {
  const compare = (a: CalendarEvent, b: CalendarEvent) =>
    by === "subject"
      ? a.subject.localeCompare(b.subject)
      : by === "end/datetime"
        ? a.end - b.end
        : a.start - b.start;
  return events.toSorted((a, b) => (descending ? compare(b, a) : compare(a, b)));
}

function select(event: CalendarEvent, view: CalendarView) {
  const whole = eventResource(event, view.zone);
  if (!view.select) {
    return { properties: whole };
  }
  const picked = pickProperties(whole, view.select);
  // `id` and the ETag come along whatever is selected.
  return "unknown" in picked
    ? picked
    : { properties: { "@odata.etag": whole["@odata.etag"], id: whole.id, ...picked.properties } };
}

function nextLink(standIn: StandIn, call: Call, skip: number): string {
  const next = new URL(call.url.pathname, standIn.base);
  next.search = call.url.search;
  next.searchParams.set("$skip", String(skip));
  return next.href;
}
