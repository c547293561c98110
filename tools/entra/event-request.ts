import { z } from "zod";
import type { EventPatch } from "./calendar-event.ts";
import type { Refusal } from "./graph-error.ts";
import { momentOf } from "./outlook-time.ts";

const MAX_SUBJECT_CHARACTERS = 255;
const MAX_ATTENDEES = 500;

const TimeSchema = z
  .strictObject({ dateTime: z.string(), timeZone: z.string() })
  .transform((time, context) => {
    const moment = momentOf(time);
    if (moment === undefined) {
      context.addIssue({ code: "custom", message: "not a time in a known time zone" });
      return z.NEVER;
    }
    return moment;
  });

const AttendeeSchema = z
  .object({ emailAddress: z.object({ address: z.string(), name: z.string().optional() }) })
  .transform(({ emailAddress: { address, name } }) => ({ name: name ?? address, address }));

// Strict: a property that the calendars here do not know is refused rather than forgotten.
const EventRequestSchema = z
  .strictObject({
    subject: z.string().max(MAX_SUBJECT_CHARACTERS),
    body: z.strictObject({ contentType: z.literal("text"), content: z.string() }),
    start: TimeSchema,
    end: TimeSchema,
    location: z.object({ displayName: z.string() }),
    isOnlineMeeting: z.boolean(),
    attendees: z.array(AttendeeSchema).max(MAX_ATTENDEES),
  })
  .partial();

/**
 * Reads the event in the body of a Graph request.
 *
 * @returns the properties that it names, or the error to answer with
 */
export function parseEvent(body: string): EventPatch | Refusal {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { code: "BadRequest", message: "Unable to read JSON request payload." };
  }
  const { data, error } = EventRequestSchema.safeParse(json);
  if (error) {
    return { code: "RequestBodyRead", message: z.prettifyError(error) };
  }
  const { body: text, location, isOnlineMeeting, ...rest } = data;
  return {
    ...rest,
    bodyPreview: text?.content,
    location: location?.displayName,
    online: isOnlineMeeting,
  };
}
