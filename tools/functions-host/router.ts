import { compileRoute, type RouteValues } from "./route-pattern.ts";

/** An HTTP function as it was registered. */
export interface HttpFunction {
  readonly name: string;
  /** Absent or empty means the function's name. */
  readonly route: string | undefined;
  readonly methods: string[];
}

/** Where a request goes. */
export interface RouteMatch {
  readonly functionName: string;
  readonly params: RouteValues;
}

/** Finds the function that serves a method and a decoded path. */
export type Router = (method: string, path: string) => RouteMatch | undefined;

/** A function that the host refuses to serve, and the host's reason. */
export interface RouteFault {
  readonly functionName: string;
  readonly reason: string;
}

/**
 * Builds the route table: the first match in alphabetical order of function names wins, whatever the order of
 * registration, and nothing is more specific than anything else. A method that is not listed does not match.
 *
 * Like the host, it leaves a function out whose route begins with `admin` or `runtime`, repeats another's route for
 * one of the same methods, or cannot be read; the others are served.
 *
 * @see README.md, "The worker's contract": routing
 */
export function createRouter(
  functions: readonly HttpFunction[],
  routePrefix: string,
): { route: Router; faults: readonly RouteFault[] } {
  const served: (HttpFunction & {
    route: string;
    matches: (path: string) => RouteValues | undefined;
  })[] = [];
  const faults: RouteFault[] = [];
  for (const candidate of functions.toSorted(byName)) {
    const entry = { ...candidate, route: candidate.route?.trim() || candidate.name };
    try {
      refuseReserved(entry.route);
      for (const other of served) refuseConflict(entry, other);
      const matches = compileRoute([routePrefix, entry.route].filter(Boolean).join("/"));
      served.push({ ...entry, matches });
    } catch (error) {
      faults.push({ functionName: entry.name, reason: String(error) });
    }
  }
  return {
    faults,
    route: (method, path) => {
      for (const { name, methods, matches } of served) {
        if (!allows(methods, method)) continue;
        const params = matches(path);
        if (params) return { functionName: name, params };
      }
      return undefined;
    },
  };
}

/** Ordinal and without regard to case, as .NET's `StringComparer.OrdinalIgnoreCase`. */
function byName(a: HttpFunction, b: HttpFunction): number {
  const left = a.name.toUpperCase();
  const right = b.name.toUpperCase();
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function allows(methods: readonly string[], method: string): boolean {
  return methods.length === 0 || methods.some((listed) => listed.toUpperCase() === method);
}

function refuseReserved(route: string): void {
  if (/^\/*(?:admin|runtime)/i.test(route)) {
    throw new Error("The specified route conflicts with one or more built in routes.");
  }
}

function refuseConflict(
  entry: HttpFunction & { route: string },
  other: HttpFunction & { route: string },
): void {
  if (trimmed(entry.route) !== trimmed(other.route)) return;
  const shared = entry.methods.some((method) => allows(other.methods, method.toUpperCase()));
  if (shared || entry.methods.length === 0) {
    throw new Error(`The route specified conflicts with the route defined by '${other.name}'.`);
  }
}

function trimmed(route: string): string {
  return route.replace(/^\/+|\/+$/g, "").toUpperCase();
}
