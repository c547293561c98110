import { graphCaller } from "./graph-caller.ts";
import type { GraphCaller } from "./graph-caller.ts";
import { graphError } from "./graph-error.ts";
import type { Call, StandIn } from "./stand-in.ts";

/**
 * Makes an endpoint of somebody's calendar: the token and its permission are checked before the handler runs.
 *
 * @param permission what the token has to be good for; `Calendars.ReadWrite` covers reading
 */
export function calendarEndpoint(
  permission: "Calendars.Read" | "Calendars.ReadWrite",
  handle: (standIn: StandIn, call: Call, caller: GraphCaller) => Response,
): (standIn: StandIn, call: Call) => Promise<Response> {
  return async (standIn, call) => {
    const caller = await graphCaller(standIn, call);
    if (caller instanceof Response) {
      return caller;
    }
    if (!caller.scopes.some((scope) => scope.startsWith(permission))) {
      const message = "Access is denied. Check credentials and try again.";
      return graphError(standIn, call, 403, "ErrorAccessDenied", message);
    }
    return handle(standIn, call, caller);
  };
}
