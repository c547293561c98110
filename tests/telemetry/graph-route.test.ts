import { expect, it } from "vitest";
import { graphRoute } from "../../shared/telemetry/graph-route.ts";

it.each([
  ["/v1.0/me", "/v1.0/me"],
  ["/v1.0/me/calendarView?startDateTime=2026-01-01&$filter=x", "/v1.0/me/calendarView"],
  ["/v1.0/me/messages/AAMkAGI2/attachments", "/v1.0/me/messages"],
  ["/v1.0/me/messages('AAMkAGI2')", "/v1.0/me/messages"],
  ["/v1.0/users/alice@contoso.example/events", "/v1.0/users"],
  ["/v1.0/users('alice@contoso.example')", "/v1.0/users"],
  ["/v1.0/subscriptions/7f105c7d-2dc5-4530-97cd-4e7ae6534c07", "/v1.0/subscriptions"],
])("of %s a span has %s: no ids, addresses and filters", (path, route) => {
  expect(graphRoute(new URL(path, "https://graph.microsoft.com"))).toBe(route);
});
