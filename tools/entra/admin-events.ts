import { z } from "zod";
import { adminError, parseAdminBody } from "./admin-body.ts";
import type { CalendarEvent } from "./calendar-event.ts";
import { ACCOUNT_NAMES, ACCOUNTS } from "./directory.ts";
import { parseMoment } from "./outlook-time.ts";
import type { Call, StandIn } from "./stand-in.ts";

const MomentSchema = z.string().transform((text, context) => {
  const moment = parseMoment(text);
  if (moment === undefined) {
    context.addIssue({ code: "custom", message: "not an ISO 8601 time" });
    return z.NEVER;
  }
  return moment;
});

const FieldsSchema = z.strictObject({
  subject: z.string(),
  start: MomentSchema,
  end: MomentSchema,
  location: z.string().optional(),
});
const NewEventSchema = FieldsSchema.extend({ account: z.enum(ACCOUNT_NAMES) });
const ChangesSchema = FieldsSchema.partial();

/** `POST /admin/events` `{account, subject, start, end, location?}`: an event in somebody's calendar. */
export async function postAdminEvent(standIn: StandIn, call: Call): Promise<Response> {
  const body = parseAdminBody(call, NewEventSchema);
  if (body instanceof Response) {
    return body;
  }
  const { account, ...fields } = body;
  return orInvalid(() => shown(standIn.calendars.create(ACCOUNTS[account], fields), 201));
}

/** `PATCH /admin/events/{id}`: changes subject, start, end or location of anybody's event. */
export async function patchAdminEvent(standIn: StandIn, call: Call): Promise<Response> {
  const event = standIn.calendars.find(call.params["id"] ?? "");
  if (!event) {
    return adminError(404, "There is no such event.");
  }
  const body = parseAdminBody(call, ChangesSchema);
  if (body instanceof Response) {
    return body;
  }
  return orInvalid(() => shown(standIn.calendars.change(event, body), 200));
}

/** `DELETE /admin/events/{id}` */
export async function deleteAdminEvent(standIn: StandIn, call: Call): Promise<Response> {
  const event = standIn.calendars.find(call.params["id"] ?? "");
  if (!event) {
    return adminError(404, "There is no such event.");
  }
  standIn.calendars.remove(event);
  return new Response(null, { status: 204 });
}

function shown({ id, owner, subject, start, end, location }: CalendarEvent, status: number) {
  const [from, to] = [new Date(start).toISOString(), new Date(end).toISOString()];
  return Response.json({ id, account: owner, subject, start: from, end: to, location }, { status });
}

function orInvalid(act: () => Response): Response {
  try {
    return act();
  } catch (error) {
    if (error instanceof RangeError) {
      return adminError(400, error.message);
    }
    throw error;
  }
}
