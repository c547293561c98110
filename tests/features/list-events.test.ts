import { beforeEach, describe, expect, it } from "vitest";
import { listEvents } from "../../shared/features/list-events.ts";
import { createCall, resultOf } from "../support/fake-call.ts";

type Listed = { timeZone: string; events: { subject: string; location?: string }[] };

let fake: ReturnType<typeof createCall>;
beforeEach(() => {
  fake = createCall();
});

const event = (subject: string | null, more: Record<string, unknown> = {}) => ({
  subject,
  start: { dateTime: "2026-11-23T09:00:00.0000000", timeZone: "UTC" },
  end: { dateTime: "2026-11-23T09:30:00.0000000", timeZone: "UTC" },
  ...more,
});

async function list(input: Record<string, unknown> = {}) {
  const { structured, text } = await resultOf(listEvents, input, fake.call);
  return { ...(structured as Listed), text };
}

const query = (n = 0) =>
  new URL(fake.graph.asked[n]?.path ?? "", "http://graph.example").searchParams;

describe("listEvents", () => {
  it("needs the scope calendar.read", () => {
    expect(listEvents.requires).toBe("calendar.read");
  });

  it("asks for 7 days from now, in the person's time zone, and only what it shows", async () => {
    await fake.call.settings.update({ timeZone: "Europe/Berlin" });
    fake.graph.answers.push({ value: [] });
    const { timeZone, events, text } = await list();
    const start = Date.parse(query().get("startDateTime") ?? "");
    expect(start).toBe(fake.clock.now());
    expect(Date.parse(query().get("endDateTime") ?? "") - start).toBe(7 * 86_400_000);
    expect(query().get("$select")).toBe("subject,start,end,isAllDay,location,organizer");
    expect(fake.graph.asked[0]?.headers).toEqual({ Prefer: 'outlook.timezone="Europe/Berlin"' });
    expect([timeZone, events, text]).toEqual(["Europe/Berlin", [], "No events."]);
  });

  it("looks as many days ahead as it is told, from 1 to 31", async () => {
    fake.graph.answers.push({ value: [] });
    await list({ days: 31 });
    const span =
      Date.parse(query().get("endDateTime") ?? "") - Date.parse(query().get("startDateTime") ?? "");
    expect(span).toBe(31 * 86_400_000);
    for (const days of [0, 32, 1.5, "7"]) {
      await expect(list({ days })).rejects.toMatchObject({ name: "InputInvalid" });
    }
  });

  it("reads page after page, and says how far it is", async () => {
    const next = "http://localhost:9/v1.0/me/calendarView?$skip=2";
    fake.graph.answers.push(
      { value: [event("a"), event("b")], "@odata.nextLink": next },
      { value: [event("c")] },
    );
    expect((await list()).events.map(({ subject }) => subject)).toEqual(["a", "b", "c"]);
    expect(fake.graph.asked.map(({ path }) => path)).toEqual([
      expect.stringContaining("/v1.0/me/calendarView?"),
      next,
    ]);
    expect(fake.graph.asked[1]?.headers).toEqual(fake.graph.asked[0]?.headers);
    expect(fake.progress).toEqual([
      { progress: 2, message: "2 events read" },
      { progress: 3, message: "3 events read" },
    ]);
  });

  it("stops after 250 events, however many pages there are", async () => {
    const value = Array.from({ length: 25 }, (_, n) => event(`e${n}`));
    for (let page = 0; page < 20; page++) {
      fake.graph.answers.push({ value, "@odata.nextLink": "/next" });
    }
    expect((await list()).events).toHaveLength(250);
    expect(fake.graph.asked).toHaveLength(10);
  });

  it("shows the events whose subject contains the text of a saved filter, in any case", async () => {
    await fake.call.settings.update({ filters: { reviews: "Review" } });
    fake.graph.answers.push({ value: [event("Design REVIEW"), event("Lunch"), event(null)] });
    const { events } = await list({ filter: "reviews" });
    expect(events.map(({ subject }) => subject)).toEqual(["Design REVIEW"]);
  });

  it.each(["unknown", "toString", "__proto__"])(
    "says that there is no filter %j, and asks Graph for nothing",
    async (filter) => {
      await expect(list({ filter })).rejects.toMatchObject({
        name: "FeatureError",
        message: `There is no filter named ${filter}. Save it with updateSettings.`,
      });
      expect(fake.graph.asked).toEqual([]);
    },
  );

  it("takes events that lack what Graph leaves out", async () => {
    fake.graph.answers.push({
      value: [
        event(null, { location: null, organizer: null, isAllDay: null }),
        event("b", {
          location: { displayName: "Room 1" },
          organizer: { emailAddress: { name: "Bob" } },
          isAllDay: true,
        }),
      ],
    });
    const { events, text } = await list();
    const times = { start: "2026-11-23T09:00:00.0000000", end: "2026-11-23T09:30:00.0000000" };
    expect(events).toEqual([
      { ...times, subject: "(no subject)", isAllDay: false },
      { ...times, subject: "b", isAllDay: true, location: "Room 1", organizer: "Bob" },
    ]);
    expect(text).toContain("Times are in UTC.");
    expect(text).toContain(`- ${times.start} to ${times.end}: b (Room 1)`);
  });
});
