import { getIssued, getRequests, getSwitches, postReset, putSwitches } from "./admin.ts";
import { deleteAdminEvent, patchAdminEvent, postAdminEvent } from "./admin-events.ts";
import { authorize } from "./authorize.ts";
import { instanceDiscovery, jwks, openidConfiguration } from "./discovery.ts";
import { graphCalendarView } from "./graph-calendar-view.ts";
import {
  deleteGraphEvent,
  getGraphEvent,
  patchGraphEvent,
  postGraphEvent,
} from "./graph-events.ts";
import { graphMe } from "./graph-me.ts";
import { home } from "./home.ts";
import { logout } from "./logout.ts";
import { managedIdentityToken } from "./managed-identity.ts";
import { signIn } from "./sign-in.ts";
import { formOf } from "./stand-in.ts";
import type { Call, StandIn } from "./stand-in.ts";
import {
  deleteAdminSubscription,
  getAdminSubscriptions,
  getNotifications,
  postAdminLifecycle,
} from "./subscriptions/admin-subscriptions.ts";
import {
  getSubscription,
  listSubscriptions,
  reauthorizeSubscription,
  renewSubscription,
  subscribe,
  unsubscribe,
} from "./subscriptions/graph-subscriptions.ts";
import { token } from "./token.ts";

export interface Route {
  readonly method: string;
  /** Segments; `:name` stands for any one. */
  readonly path: string;
  readonly handle: (standIn: StandIn, call: Call) => Promise<Response>;
  /** What it is called in `GET /admin/requests`; admin routes are not counted. */
  readonly counted?: string | ((call: Call) => string);
  /** Which of the endpoint faults hit it. */
  readonly area?: "token" | "graph";
}

const OAUTH = "/:tenant/oauth2/v2.0";

/** Everything that the stand-in answers. */
export const ROUTES: readonly Route[] = [
  { method: "GET", path: "/", handle: home },
  { method: "GET", path: "/admin/switches", handle: getSwitches },
  { method: "PUT", path: "/admin/switches", handle: putSwitches },
  { method: "POST", path: "/admin/reset", handle: postReset },
  { method: "GET", path: "/admin/requests", handle: getRequests },
  { method: "GET", path: "/admin/issued", handle: getIssued },
  { method: "POST", path: "/admin/events", handle: postAdminEvent },
  { method: "PATCH", path: "/admin/events/:id", handle: patchAdminEvent },
  { method: "DELETE", path: "/admin/events/:id", handle: deleteAdminEvent },
  { method: "GET", path: "/admin/subscriptions", handle: getAdminSubscriptions },
  { method: "DELETE", path: "/admin/subscriptions/:id", handle: deleteAdminSubscription },
  { method: "POST", path: "/admin/subscriptions/:id/lifecycle", handle: postAdminLifecycle },
  { method: "GET", path: "/admin/notifications", handle: getNotifications },

  {
    method: "GET",
    path: "/:tenant/v2.0/.well-known/openid-configuration",
    handle: openidConfiguration,
    counted: "discovery",
  },
  {
    method: "GET",
    path: "/common/discovery/instance",
    handle: instanceDiscovery,
    counted: "instance",
  },
  { method: "GET", path: "/:tenant/discovery/v2.0/keys", handle: jwks, counted: "keys" },
  { method: "GET", path: `${OAUTH}/authorize`, handle: authorize, counted: "authorize" },
  { method: "POST", path: `${OAUTH}/authorize`, handle: signIn, counted: "signIn" },
  { method: "POST", path: `${OAUTH}/token`, handle: token, counted: tokenCounter, area: "token" },
  { method: "GET", path: `${OAUTH}/logout`, handle: logout, counted: "logout" },
  { method: "GET", path: "/msi/token", handle: managedIdentityToken, counted: "managedIdentity" },

  graph("GET", "/me", graphMe, "me"),
  graph("GET", "/me/calendarView", graphCalendarView, "calendarView"),
  graph("POST", "/me/events", postGraphEvent, "createEvent"),
  graph("GET", "/me/events/:id", getGraphEvent, "getEvent"),
  graph("PATCH", "/me/events/:id", patchGraphEvent, "changeEvent"),
  graph("DELETE", "/me/events/:id", deleteGraphEvent, "deleteEvent"),
  graph("POST", "/subscriptions", subscribe, "subscribe"),
  graph("GET", "/subscriptions", listSubscriptions, "listSubscriptions"),
  graph("GET", "/subscriptions/:id", getSubscription, "getSubscription"),
  graph("PATCH", "/subscriptions/:id", renewSubscription, "renewSubscription"),
  graph(
    "POST",
    "/subscriptions/:id/reauthorize",
    reauthorizeSubscription,
    "reauthorizeSubscription",
  ),
  graph("DELETE", "/subscriptions/:id", unsubscribe, "unsubscribe"),
];

function graph(method: string, path: string, handle: Route["handle"], name: string): Route {
  return { method, path: `/v1.0${path}`, handle, counted: `graph.${name}`, area: "graph" };
}

function tokenCounter(call: Call): string {
  const grantType = formOf(call).get("grant_type") ?? "";
  return `token.${/^[a-z_]{1,40}$/.test(grantType) ? grantType : "other"}`;
}

/**
 * Finds the route of a request.
 *
 * @returns the route and its path's parameters; `"method"` where only the method is wrong; undefined where
 *   nothing has that path
 */
export function findRoute(
  method: string,
  pathname: string,
): { route: Route; params: Record<string, string> } | "method" | undefined {
  const matches = ROUTES.flatMap((route) => {
    const params = matchPath(route.path, pathname);
    return params ? [{ route, params }] : [];
  });
  const found = matches.find(({ route }) => route.method === method);
  return found ?? (matches.length > 0 ? "method" : undefined);
}

function matchPath(pattern: string, pathname: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split("/"), pathname.split("/")];
  if (wanted.length !== given.length) {
    return undefined;
  }
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const actual = given[index] ?? "";
    if (segment.startsWith(":")) {
      params[segment.slice(1)] = actual;
    } else if (segment !== actual) {
      return undefined;
    }
  }
  return params;
}
