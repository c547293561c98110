import { z } from "zod";
import { ACCOUNT_NAMES } from "./directory.ts";
import type { Account } from "./directory.ts";

const PersonSchema = z.object({ name: z.string(), address: z.string() });

/** What can be said of an event when it is made, and changed later; times are milliseconds. */
const EventDraftSchema = z.object({
  subject: z.string(),
  bodyPreview: z.string(),
  start: z.number(),
  end: z.number(),
  location: z.string(),
  online: z.boolean(),
  attendees: z.array(PersonSchema),
});

/** An event of somebody's calendar. */
export const CalendarEventSchema = EventDraftSchema.extend({
  id: z.string(),
  owner: z.enum(ACCOUNT_NAMES),
  organizer: PersonSchema,
  /** How often it was changed: its ETag follows from this. */
  version: z.number(),
});

export type Person = Readonly<z.infer<typeof PersonSchema>>;
type EventDraft = Readonly<z.infer<typeof EventDraftSchema>>;
/** The properties that are to change; undefined leaves one as it is. */
export type EventPatch = { readonly [K in keyof EventDraft]?: EventDraft[K] | undefined };
export type CalendarEvent = Readonly<z.infer<typeof CalendarEventSchema>>;

/** Somebody with an account, as calendars name people. */
export function personOf({ profile }: Account): Person {
  return { name: profile.displayName, address: profile.mail };
}

/** The event's ETag: another one after every change. */
export function etagOf(event: CalendarEvent): string {
  return `W/"${event.id}.${event.version}"`;
}
