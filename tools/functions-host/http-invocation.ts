import type { IncomingMessage } from "node:http";
import { createInvocationId, type Invocation, type TypedData } from "./invoke.ts";
import type { RouteMatch } from "./router.ts";
import { newTraceParent } from "./trace-parent.ts";

/**
 * The invocation that the host sends to the worker beside the forwarded request: `Headers`, `Query` and each route
 * parameter as trigger metadata. The library takes the headers and the parameters from here.
 *
 * @see README.md, "The worker's contract": a request
 */
export function httpInvocation(
  request: IncomingMessage,
  query: string,
  { functionName, params }: RouteMatch,
  { recordsTraces }: { recordsTraces: boolean },
): Invocation {
  const headers = joinedHeaders(request);
  return {
    functionName,
    invocationId: createInvocationId(),
    triggerData: { string: "" },
    triggerMetadata: {
      ...asStrings(params),
      Headers: { json: JSON.stringify(headers) },
      Query: { json: JSON.stringify(queryParameters(query)) },
    },
    traceParent: newTraceParent(recordsTraces, headers["traceparent"]),
    traceState: headers["tracestate"] ?? "",
  };
}

/** Repeated ones are joined with a bare comma, as `StringValues` of ASP.NET are. */
function joinedHeaders({ headersDistinct }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headersDistinct);
  return Object.fromEntries(entries.map(([name, values = []]) => [name, values.join(",")]));
}

function asStrings(values: Readonly<Record<string, string>>): Record<string, TypedData> {
  const entries = Object.entries(values);
  return Object.fromEntries(entries.map(([name, value]) => [name, { string: value }]));
}

function queryParameters(query: string): Record<string, string> {
  const parameters = new URLSearchParams(query);
  const names = [...new Set(parameters.keys())];
  return Object.fromEntries(names.map((name) => [name, parameters.getAll(name).join(",")]));
}
