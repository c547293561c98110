import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import { signIn, sendJson } from "./support.ts";

let entra: RunningEntra;
let alice: string;
let reader: string;
let bob: string;
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
  const scope = "openid offline_access User.Read Calendars.ReadWrite";
  alice = (await signIn(entra, "alice", { scope })).access_token;
  bob = (await signIn(entra, "bob", { scope })).access_token;
  reader = (await signIn(entra, "alice")).access_token;
});
afterEach(() => entra.reset());
afterAll(() => entra.stop());

const EventSchema = z.looseObject({
  id: z.string(),
  "@odata.etag": z.string(),
  subject: z.string(),
  start: z.object({ dateTime: z.string(), timeZone: z.string() }),
});
type Event = z.infer<typeof EventSchema>;

const send = (method: string, path: string, body?: unknown, token = alice) =>
  sendJson(`${entra.url}/v1.0${path}`, method, body, token);
const admin = (method: string, path: string, body?: unknown) =>
  sendJson(`${entra.url}/admin${path}`, method, body);

async function view(token = reader, day = "2026-11-24"): Promise<Event[]> {
  const window = `startDateTime=${day}T00:00:00Z&endDateTime=${day}T23:59:59Z`;
  const answer = await send("GET", `/me/calendarView?${window}`, undefined, token);
  return z.object({ value: z.array(EventSchema) }).parse(await answer.json()).value;
}

const at = (dateTime: string, timeZone = "UTC") => ({ dateTime, timeZone });
const LUNCH = {
  subject: "Lunch",
  start: at("2026-11-24T12:00:00"),
  end: at("2026-11-24T12:30:00"),
};

async function eventOf(answer: Response): Promise<Event> {
  expect(answer.ok).toBe(true);
  return EventSchema.parse(await answer.json());
}

async function graphErrorOf(answer: Response) {
  const { error } = z.object({ error: z.object({ code: z.string() }) }).parse(await answer.json());
  return { status: answer.status, code: error.code };
}

describe("an event in Graph", () => {
  it("is created, read, changed and deleted, and calendarView shows it as it is", async () => {
    const before = await view();
    const answer = await send("POST", "/me/events", {
      ...LUNCH,
      body: { contentType: "text", content: "Bring your own." },
      location: { displayName: "Cafeteria" },
      isOnlineMeeting: true,
      attendees: [{ type: "required", emailAddress: { address: "bob@contoso.example" } }],
    });
    expect(answer.status).toBe(201);
    const created = await eventOf(answer);
    expect(created).toMatchObject({
      subject: "Lunch",
      bodyPreview: "Bring your own.",
      start: { dateTime: "2026-11-24T12:00:00.0000000", timeZone: "UTC" },
      end: { dateTime: "2026-11-24T12:30:00.0000000", timeZone: "UTC" },
      location: { displayName: "Cafeteria" },
      isOnlineMeeting: true,
      isOrganizer: true,
      organizer: { emailAddress: { name: "Alice Example", address: "alice@contoso.example" } },
      attendees: [
        { emailAddress: { name: "bob@contoso.example", address: "bob@contoso.example" } },
      ],
    });
    const path = `/me/events/${created.id}`;
    expect(await view()).toHaveLength(before.length + 1);
    expect((await view()).map(({ id }) => id)).toContain(created.id);

    const changed = await eventOf(await send("PATCH", path, { subject: "Late lunch" }));
    expect(changed).toMatchObject({ subject: "Late lunch", bodyPreview: "Bring your own." });
    expect(changed["@odata.etag"]).not.toBe(created["@odata.etag"]);
    expect((await view()).map(({ subject }) => subject)).toContain("Late lunch");
    expect(await eventOf(await send("GET", path, undefined, reader))).toMatchObject({
      subject: "Late lunch",
    });

    expect((await send("DELETE", path)).status).toBe(204);
    expect(await view()).toEqual(before);
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const gone = await send(method, path, method === "PATCH" ? {} : undefined);
      expect(await graphErrorOf(gone)).toEqual({ status: 404, code: "ErrorItemNotFound" });
    }
  });

  it("can be one of the seeded ones", async () => {
    const [first, ...others] = await view();
    await send("PATCH", `/me/events/${first?.id}`, { subject: "Moved", ...sameDayAt("20:00") });
    expect(await view()).toEqual([...others, expect.objectContaining({ subject: "Moved" })]);
    await send("DELETE", `/me/events/${first?.id}`);
    expect(await view()).toEqual(others);
  });

  it("is the owner's alone", async () => {
    const { id } = await eventOf(await send("POST", "/me/events", LUNCH));
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const body = method === "PATCH" ? { subject: "Mine" } : undefined;
      const refused = await send(method, `/me/events/${id}`, body, bob);
      expect((await graphErrorOf(refused)).status).toBe(404);
    }
    expect((await view(bob)).map((event) => event.id)).not.toContain(id);
  });

  it.each([
    ["Windows", "W. Europe Standard Time", "2026-07-01T12:00:00", "2026-07-01T10:00:00.0000000"],
    ["IANA", "Asia/Kolkata", "2026-07-01T12:00:00", "2026-07-01T06:30:00.0000000"],
    // An hour before and after the clocks go forward.
    ["winter", "Europe/Berlin", "2026-03-29T01:30:00", "2026-03-29T00:30:00.0000000"],
    ["summer", "Europe/Berlin", "2026-03-29T03:30:00", "2026-03-29T01:30:00.0000000"],
    ["an offset", "Asia/Tokyo", "2026-07-01T12:00:00+02:00", "2026-07-01T10:00:00.0000000"],
  ])("takes times in a zone of its own (%s)", async (_what, timeZone, dateTime, utc) => {
    const body = { start: at(dateTime, timeZone), end: at(dateTime, timeZone) };
    const event = await eventOf(await send("POST", "/me/events", body));
    expect(event.start).toEqual({ dateTime: utc, timeZone: "UTC" });
  });

  it.each([
    ["no JSON", "nonsense", "BadRequest"],
    ["no start", { end: LUNCH.end }, "ErrorInvalidRequest"],
    ["a start that is no time", { ...LUNCH, start: at("noon") }, "RequestBodyRead"],
    ["an unknown zone", { ...LUNCH, start: at("2026-11-24T12:00", "Moon") }, "RequestBodyRead"],
    ["an unknown property", { ...LUNCH, mood: "good" }, "RequestBodyRead"],
    [
      "an end before its start",
      { ...LUNCH, end: at("2026-11-24T11:00:00") },
      "ErrorPropertyValidationFailure",
    ],
  ])("is refused with %s", async (_what, body, code) => {
    const answer = await fetch(`${entra.url}/v1.0/me/events`, {
      method: "POST",
      headers: { authorization: `Bearer ${alice}` },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    expect(await graphErrorOf(answer)).toEqual({ status: 400, code });
  });

  it("needs Calendars.ReadWrite to be written", async () => {
    const { id } = await eventOf(await send("POST", "/me/events", LUNCH));
    const refused = [
      await send("POST", "/me/events", LUNCH, reader),
      await send("PATCH", `/me/events/${id}`, {}, reader),
      await send("DELETE", `/me/events/${id}`, undefined, reader),
    ];
    for (const answer of refused) {
      expect(await graphErrorOf(answer)).toEqual({ status: 403, code: "ErrorAccessDenied" });
    }
    expect((await fetch(`${entra.url}/v1.0/me/events`, { method: "POST" })).status).toBe(401);
  });
});

function sameDayAt(time: string) {
  return { start: at(`2026-11-24T${time}:00`), end: at(`2026-11-24T${time}:30`) };
}

describe("the admin endpoints", () => {
  const dinner = {
    account: "bob",
    subject: "Dinner",
    start: "2026-11-24T19:00:00Z",
    end: "2026-11-24T21:00:00+01:00",
  };

  it("create, change and delete anybody's events, whatever the switches say", async () => {
    entra.set({ down: true });
    const answer = await admin("POST", "/events", dinner);
    expect(answer.status).toBe(201);
    const created = z.looseObject({ id: z.string() }).parse(await answer.json());
    expect(created).toEqual({
      id: created.id,
      account: "bob",
      subject: "Dinner",
      start: "2026-11-24T19:00:00.000Z",
      end: "2026-11-24T20:00:00.000Z",
      location: "",
    });
    const changed = await admin("PATCH", `/events/${created.id}`, { location: "Bistro" });
    expect(await changed.json()).toEqual({ ...created, location: "Bistro" });
    entra.set({ down: false });
    const shown = (await view(bob)).find(({ id }) => id === created.id);
    expect(shown).toMatchObject({ subject: "Dinner", location: { displayName: "Bistro" } });
    expect((await admin("DELETE", `/events/${created.id}`)).status).toBe(204);
    expect((await view(bob)).map(({ id }) => id)).not.toContain(created.id);
    expect((await admin("DELETE", `/events/${created.id}`)).status).toBe(404);
    expect((await admin("PATCH", `/events/${created.id}`, {})).status).toBe(404);
  });

  it.each([
    ["no JSON", "nonsense"],
    ["an unknown account", { ...dinner, account: "mallory" }],
    ["no time", { ...dinner, start: "soon" }],
    ["an end before its start", { ...dinner, end: "2026-11-24T18:00:00Z" }],
    ["a property that is not known", { ...dinner, mood: "good" }],
  ])("refuse %s", async (_what, body) => {
    const answer = await fetch(`${entra.url}/admin/events`, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: "invalid_request" });
  });

  it("bring back the seeded events with a reset", async () => {
    const before = await view();
    await send("DELETE", `/me/events/${before[0]?.id}`);
    await send("POST", "/me/events", LUNCH);
    await admin("POST", "/reset");
    expect(await view()).toEqual(before);
  });
});

describe("with a data folder", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "entra-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("keeps what was made of the calendars across a restart", async () => {
    const dataDir = join(folder, "kept");
    const first = await startEntra({ port: 0, dataDir });
    await fetch(`${first.url}/admin/events`, {
      method: "POST",
      body: JSON.stringify({
        account: "alice",
        subject: "Kept",
        start: "2026-11-24T19:00:00Z",
        end: "2026-11-24T20:00:00Z",
      }),
    });
    await first.stop();
    const second = await startEntra({ port: first.port, dataDir });
    try {
      const { access_token: token } = await signIn(second);
      const window = "startDateTime=2026-11-24T19:00:00Z&endDateTime=2026-11-24T20:00:00Z";
      const answer = await fetch(`${second.url}/v1.0/me/calendarView?${window}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(await answer.text()).toContain("Kept");
    } finally {
      await second.stop();
    }
  });

  it("does not start on damaged records, and says what to do", async () => {
    await writeFile(join(folder, "entra-graph.json"), "{}");
    await expect(startEntra({ port: 0, dataDir: folder })).rejects.toThrow("Delete it");
  });
});
