import { randomBytes } from "node:crypto";
import { personOf } from "./calendar-event.ts";
import type { CalendarEvent, EventPatch } from "./calendar-event.ts";
import type { Account } from "./directory.ts";
import type { Records } from "./records.ts";
import { findSeededEvent, ID_PREFIX, seededEventsBetween } from "./seeded-events.ts";

/** What happened to an event, as subscriptions call it. */
export type ChangeType = "created" | "updated" | "deleted";

/** What a new event has to say; the rest is empty unless it is said. */
export type NewEvent = EventPatch & { readonly start: number; readonly end: number };

const EMPTY = { subject: "", bodyPreview: "", location: "", online: false, attendees: [] };

/** Everybody's calendar: the seeded events, and what was made of them. */
export interface Calendars {
  /** A person's events that overlap a window, in milliseconds: from inclusive, to exclusive. */
  between(account: Account, from: number, to: number): CalendarEvent[];
  find(id: string): CalendarEvent | undefined;
  /** @throws RangeError where the event would end before it starts */
  create(owner: Account, fields: NewEvent): CalendarEvent;
  /** @throws RangeError where the event would end before it starts; nothing has changed then */
  change(event: CalendarEvent, patch: EventPatch): CalendarEvent;
  remove(event: CalendarEvent): void;
  /** Back to the seeded events; nobody is told. */
  reset(): void;
}

/**
 * Makes the calendars.
 *
 * @param onChange is told of every event that was created, changed or deleted
 */
export function createCalendars(
  records: Pick<Records, "events" | "deletedEvents" | "save">,
  onChange: (change: ChangeType, event: CalendarEvent) => void,
): Calendars {
  const { events, deletedEvents } = records;
  const put = (change: ChangeType, event: CalendarEvent) => {
    if (event.end < event.start) {
      throw new RangeError("The event would end before it starts.");
    }
    events.set(event.id, event);
    records.save();
    onChange(change, event);
    return event;
  };
  return {
    between(account, from, to) {
      const seeded = seededEventsBetween(account, from, to).filter(
        ({ id }) => !events.has(id) && !deletedEvents.has(id),
      );
      const made = [...events.values()].filter(
        ({ owner, start, end }) => owner === account.name && start < to && end > from,
      );
      return [...seeded, ...made];
    },
    find: (id) => events.get(id) ?? (deletedEvents.has(id) ? undefined : findSeededEvent(id)),
    create: (owner, fields) =>
      put("created", {
        ...EMPTY,
        ...definedOnly(fields),
        id: `${ID_PREFIX}${randomBytes(24).toString("base64url")}`,
        owner: owner.name,
        organizer: personOf(owner),
        version: 0,
      }),
    change: (event, patch) =>
      put("updated", { ...event, ...definedOnly(patch), version: event.version + 1 }),
    remove(event) {
      events.delete(event.id);
      deletedEvents.add(event.id);
      records.save();
      onChange("deleted", event);
    },
    reset() {
      events.clear();
      deletedEvents.clear();
      records.save();
    },
  };
}

function definedOnly<T extends EventPatch>(patch: T) {
  const entries = Object.entries(patch).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
