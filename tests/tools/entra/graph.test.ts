import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import { graph, signIn } from "./support.ts";

let entra: RunningEntra;
let alice: string;
let ahead = 0;
beforeAll(async () => {
  entra = await startEntra({ port: 0, now: () => new Date(Date.now() + ahead) });
  alice = (await signIn(entra, "alice")).access_token;
});
afterAll(() => entra.stop());

const GraphErrorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });
const ViewSchema = z.object({
  value: z.array(z.looseObject({ id: z.string() })),
  "@odata.nextLink": z.string().optional(),
});
const EventSchema = z.looseObject({
  subject: z.string(),
  start: z.object({ dateTime: z.string(), timeZone: z.string() }),
});

async function graphErrorOf(response: Response) {
  const { error } = GraphErrorSchema.parse(await response.json());
  return { status: response.status, code: error.code };
}

const WEEK = "startDateTime=2026-11-23T00:00:00Z&endDateTime=2026-11-30T00:00:00Z";
const view = (query: string, headers?: Record<string, string>) =>
  graph(entra, `/me/calendarView?${query}`, alice, headers);
const eventsOf = async (response: Response) =>
  ViewSchema.parse(await response.json()).value.map((event) => EventSchema.parse(event));

describe("/me", () => {
  it("returns the default properties of the profile", async () => {
    const profile: unknown = await (await graph(entra, "/me", alice)).json();
    expect(profile).toMatchObject({
      id: "3b1f6d0a-5c27-4e8b-9a14-7d60c2e5f811",
      displayName: "Alice Example",
      mail: "alice@contoso.example",
      userPrincipalName: "alice@contoso.example",
      jobTitle: "Product Manager",
    });
    expect(profile).not.toHaveProperty("department");
  });

  it("returns what $select names, and refuses what does not exist", async () => {
    const selected: unknown = await (
      await graph(entra, "/me?$select=displayName,department", alice)
    ).json();
    expect(selected).toEqual({
      "@odata.context": `${entra.url}/v1.0/$metadata#users(displayName,department)/$entity`,
      displayName: "Alice Example",
      department: "Product",
    });
    const refused = await graph(entra, "/me?$select=shoeSize", alice);
    expect(await graphErrorOf(refused)).toEqual({ status: 400, code: "BadRequest" });
  });

  it("needs User.Read", async () => {
    const { access_token: token } = await signIn(entra, "bob", {
      scope: "openid offline_access Calendars.Read",
    });
    expect(await graphErrorOf(await graph(entra, "/me", token))).toEqual({
      status: 403,
      code: "Authorization_RequestDenied",
    });
  });
});

describe("the token", () => {
  it("has to be there, ours and for Graph", async () => {
    const { id_token: idToken } = await signIn(entra);
    const answers = [
      await fetch(`${entra.url}/v1.0/me`),
      await graph(entra, "/me", "not-a-token"),
      await graph(entra, "/me", idToken),
      await graph(entra, "/me", `${alice.slice(0, -8)}AAAAAAAA`),
    ];
    for (const answer of answers) {
      expect(answer.headers.get("www-authenticate")).toContain("Bearer");
      expect(await graphErrorOf(answer)).toEqual({
        status: 401,
        code: "InvalidAuthenticationToken",
      });
    }
  });

  it("expires", async () => {
    ahead = 76 * 60 * 1000;
    const answer = await graph(entra, "/me", alice);
    ahead = 0;
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain("Lifetime validation failed");
  });
});

describe("/me/calendarView", () => {
  it("shows at least two events every day, in order, the same ones every time", async () => {
    for (let day = 1; day <= 28; day += 1) {
      const date = `2026-02-${String(day).padStart(2, "0")}`;
      const events = await eventsOf(
        await view(`startDateTime=${date}T00:00:00Z&endDateTime=${date}T23:59:59Z`),
      );
      expect(events.length).toBeGreaterThanOrEqual(2);
      const starts = events.map(({ start }) => start.dateTime);
      expect(starts).toEqual(starts.toSorted());
      expect(starts.every((start) => start.startsWith(date))).toBe(true);
    }
    expect(await eventsOf(await view(WEEK))).toEqual(await eventsOf(await view(WEEK)));
  });

  it("pages with $top and @odata.nextLink until nothing is left", async () => {
    const whole = await eventsOf(await view(`${WEEK}&$top=1000`));
    const paged: string[] = [];
    let next: string | undefined = `${entra.url}/v1.0/me/calendarView?${WEEK}&$top=3`;
    while (next !== undefined) {
      const response: Response = await fetch(next, {
        headers: { authorization: `Bearer ${alice}` },
      });
      const page = ViewSchema.parse(await response.json());
      expect(page.value.length).toBeLessThanOrEqual(3);
      paged.push(...page.value.map(({ id }) => id));
      next = page["@odata.nextLink"];
    }
    expect(paged).toEqual(whole.map((event) => event["id"]));
  });

  it("answers ten events unless $top says otherwise", async () => {
    expect(await eventsOf(await view(WEEK))).toHaveLength(10);
  });

  it("orders by $orderby", async () => {
    const latest = await eventsOf(await view(`${WEEK}&$orderby=start/dateTime desc`));
    const starts = latest.map(({ start }) => start.dateTime);
    expect(starts).toEqual(starts.toSorted().toReversed());
  });

  it("returns id, ETag and what $select names", async () => {
    const { value } = ViewSchema.parse(
      await (await view(`${WEEK}&$select=subject,start&$top=1`)).json(),
    );
    expect(Object.keys(value[0] ?? {}).toSorted()).toEqual([
      "@odata.etag",
      "id",
      "start",
      "subject",
    ]);
  });

  it("writes times in the zone of Prefer: outlook.timezone, Windows or IANA", async () => {
    const window = "startDateTime=2026-07-01T00:00:00Z&endDateTime=2026-07-02T00:00:00Z";
    const hourOf = async (prefer?: string) => {
      const [event] = await eventsOf(
        await view(window, prefer ? { prefer: `outlook.timezone="${prefer}"` } : {}),
      );
      return { hour: Number(event?.start.dateTime.slice(11, 13)), zone: event?.start.timeZone };
    };
    const { hour } = await hourOf();
    expect(await hourOf("W. Europe Standard Time")).toEqual({
      hour: hour + 2,
      zone: "W. Europe Standard Time",
    });
    expect(await hourOf("Asia/Tokyo")).toEqual({ hour: hour + 9, zone: "Asia/Tokyo" });
    const unknown = await view(window, { prefer: 'outlook.timezone="Middle Earth"' });
    expect((await graphErrorOf(unknown)).code).toBe("TimeZoneNotSupportedException");
  });

  it("reads a window with an offset, and one without as UTC", async () => {
    const shifted =
      "startDateTime=2026-11-23T01:00:00%2B01:00&endDateTime=2026-11-30T01:00:00%2B01:00";
    const bare = "startDateTime=2026-11-23T00:00:00&endDateTime=2026-11-30T00:00:00.0000000";
    const expected = await eventsOf(await view(WEEK));
    expect(await eventsOf(await view(shifted))).toEqual(expected);
    expect(await eventsOf(await view(bare))).toEqual(expected);
  });

  it.each([
    ["no window", "", "ErrorInvalidParameter"],
    ["half a window", "startDateTime=2026-11-23T00:00:00Z", "ErrorInvalidParameter"],
    ["no date", "startDateTime=soon&endDateTime=later", "ErrorInvalidParameter"],
    [
      "an end before its start",
      "startDateTime=2026-11-23&endDateTime=2026-11-22",
      "ErrorInvalidParameter",
    ],
    [
      "more than five years",
      "startDateTime=2020-01-01&endDateTime=2026-01-01",
      "ErrorCalendarViewRangeTooBig",
    ],
    ["$top=0", `${WEEK}&$top=0`, "ErrorInvalidUrlQuery"],
    ["an unknown order", `${WEEK}&$orderby=mood`, "ErrorInvalidUrlQueryFilter"],
    ["an unknown property", `${WEEK}&$select=mood`, "RequestBroker--ParseUri"],
  ])("refuses %s", async (_what, query, code) => {
    expect(await graphErrorOf(await view(query))).toEqual({ status: 400, code });
  });

  it("needs Calendars.Read", async () => {
    const { access_token: token } = await signIn(entra, "bob", {
      scope: "openid offline_access User.Read",
    });
    const refused = await graph(entra, `/me/calendarView?${WEEK}`, token);
    expect(await graphErrorOf(refused)).toEqual({ status: 403, code: "ErrorAccessDenied" });
  });
});
