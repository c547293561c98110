import { setTimeout as wait } from "node:timers/promises";
import { AadError } from "./aad-error.ts";
import { errorPage } from "./error-page.ts";
import { endpointFault } from "./faults.ts";
import { isLoopback } from "./loopback.ts";
import { findRoute } from "./routes.ts";
import type { Call, StandIn } from "./stand-in.ts";

/** The connection is to be cut without an answer. */
export const CUT = Symbol("cut");

/**
 * Answers one request: host check, route, faults, handler.
 *
 * @returns the answer, or `CUT` while the switch `down` is on
 */
export async function dispatch(
  standIn: StandIn,
  request: Omit<Call, "params">,
): Promise<Response | typeof CUT> {
  // A page elsewhere whose name resolves to 127.0.0.1 (DNS rebinding) carries its own name in Host.
  if (!isLoopback(request.url.hostname)) {
    return new Response("This server answers on loopback names only.\n", { status: 403 });
  }
  const admin = request.url.pathname.startsWith("/admin/");
  if (admin && isCrossSite(request.headers)) {
    return new Response("Other sites' pages may not use the admin endpoints.\n", { status: 403 });
  }
  const found = findRoute(request.method, request.url.pathname);
  if (found !== undefined && found !== "method" && found.route.counted !== undefined) {
    const { counted } = found.route;
    const call = { ...request, params: found.params };
    standIn.ledger.count(typeof counted === "string" ? counted : counted(call));
  }
  if (!admin) {
    const { down, delayMs } = standIn.switches.current();
    if (down) {
      return CUT;
    }
    if (delayMs > 0) {
      await wait(delayMs, undefined, { ref: false });
    }
  }
  if (found === undefined || found === "method") {
    const status = found === "method" ? 405 : 404;
    return new Response(status === 405 ? "Method not allowed.\n" : "Not found.\n", { status });
  }
  const call = { ...request, params: found.params };
  const { area, handle } = found.route;
  const fault = area && endpointFault(standIn, area, call);
  if (fault) {
    return fault;
  }
  try {
    return await handle(standIn, call);
  } catch (error) {
    if (error instanceof AadError) {
      return errorPage(standIn, call, error);
    }
    throw error;
  }
}

function isCrossSite(headers: Headers): boolean {
  const origin = headers.get("origin");
  return (
    headers.get("sec-fetch-site") === "cross-site" ||
    (origin !== null && !isLoopback(URL.parse(origin)?.hostname ?? ""))
  );
}
