import { createHash } from "node:crypto";
import { personOf } from "./calendar-event.ts";
import type { CalendarEvent } from "./calendar-event.ts";
import { ACCOUNTS, findAccount } from "./directory.ts";
import type { Account, AccountName } from "./directory.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

interface Meeting {
  readonly subject: string;
  readonly body: string;
  readonly minutes: number;
  readonly location: string;
  readonly online: boolean;
  readonly with: readonly AccountName[];
}

const MEETINGS: readonly Meeting[] = [
  {
    subject: "Daily stand-up",
    body: "What happened, what is next, what is in the way.",
    minutes: 15,
    location: "Online",
    online: true,
    with: ["alice", "bob", "admin"],
  },
  {
    subject: "Design review",
    body: "Please read the document first.",
    minutes: 60,
    location: "Building 2 / 201",
    online: false,
    with: ["alice", "bob"],
  },
  {
    subject: "1:1",
    body: "Bring your topics.",
    minutes: 30,
    location: "Building 2 / 204",
    online: false,
    with: ["alice", "admin"],
  },
  {
    subject: "Customer call with Fabrikam",
    body: "Agenda: the roll-out, open questions, next steps.",
    minutes: 45,
    location: "Online",
    online: true,
    with: ["alice", "guest"],
  },
  { subject: "Focus time", body: "", minutes: 90, location: "", online: false, with: [] },
  {
    subject: "Lunch & learn: remote MCP servers",
    body: "Sandwiches are provided.",
    minutes: 60,
    location: "Cafeteria",
    online: false,
    with: ["bob", "admin"],
  },
];

/** Outlook's ids begin like this. */
export const ID_PREFIX = "AAMk";

/** When a day's events begin, in hours UTC; far enough apart that none overlap. */
const SLOTS = [8, 10, 13, 15];

/**
 * The events that are in a person's calendar from the start and overlap a window. They follow from the person and the
 * day alone, two to four a day, so every run and every machine sees the same ones.
 *
 * @param from milliseconds, inclusive
 * @param to milliseconds, exclusive
 */
export function seededEventsBetween(account: Account, from: number, to: number): CalendarEvent[] {
  const events: CalendarEvent[] = [];
  for (let day = Math.floor(from / DAY_MS); day * DAY_MS < to; day += 1) {
    events.push(...eventsOn(account, day).filter(({ start, end }) => start < to && end > from));
  }
  return events;
}

/** Returns the seeded event with this id, or undefined. */
export function findSeededEvent(id: string): CalendarEvent | undefined {
  const seed = Buffer.from(id.slice(ID_PREFIX.length), "base64url").toString();
  const [, name = "", day] = /^(\w+)\/(-?\d{1,6})\/\d$/.exec(seed) ?? [];
  const account = findAccount(name);
  return account && eventsOn(account, Number(day)).find((event) => event.id === id);
}

function eventsOn(account: Account, day: number): CalendarEvent[] {
  const dice = createHash("sha256").update(`${account.name} ${day}`).digest();
  const first = (dice[0] ?? 0) % MEETINGS.length;
  const free = (dice[1] ?? 0) % (SLOTS.length * 2);
  return SLOTS.flatMap((hour, slot) => {
    const meeting = MEETINGS[(first + slot) % MEETINGS.length];
    // One slot stays free, on some days two.
    if (!meeting || slot === free || slot === free - SLOTS.length || slot === (dice[2] ?? 0) % 8) {
      return [];
    }
    const start = day * DAY_MS + hour * 60 * 60 * 1000;
    const others = meeting.with.filter((name) => name !== account.name);
    return [
      {
        id: `${ID_PREFIX}${Buffer.from(`${account.name}/${day}/${slot}`).toString("base64url")}`,
        owner: account.name,
        subject: meeting.subject,
        bodyPreview: meeting.body,
        start,
        end: start + meeting.minutes * 60 * 1000,
        location: meeting.location,
        online: meeting.online,
        organizer: personOf(ACCOUNTS[meeting.with[0] ?? account.name]),
        attendees: others.map((name) => personOf(ACCOUNTS[name])),
        version: 0,
      },
    ];
  });
}
