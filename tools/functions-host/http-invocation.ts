import type { IncomingMessage } from "node:http";
import { createInvocationId, type Invocation } from "./invoke.ts";
import type { RouteMatch } from "./router.ts";
import { newTraceParent } from "./trace-parent.ts";
import { triggerMetadata } from "./trigger-metadata.ts";

/**
 * The invocation that the host sends to the worker beside the forwarded request. The library takes the headers and
 * the parameters of its request from the trigger metadata in it.
 *
 * @param body A body that came with a length, read whole.
 * @see README.md, "The worker's contract": a request
 */
export function httpInvocation(
  request: IncomingMessage,
  { query, body }: { query: string; body: Uint8Array | undefined },
  { functionName, params }: RouteMatch,
  { recordsTraces }: { recordsTraces: boolean },
): Invocation {
  const headers = joinedHeaders(request);
  return {
    functionName,
    invocationId: createInvocationId(),
    triggerData: { string: "" },
    triggerMetadata: triggerMetadata({ headers, query, routeParameters: params, body }),
    traceParent: newTraceParent(recordsTraces, headers["traceparent"]),
    traceState: headers["tracestate"] ?? "",
  };
}

/** Repeated ones are joined with a bare comma, as `StringValues` of ASP.NET are. */
function joinedHeaders({ headersDistinct }: IncomingMessage): Record<string, string> {
  const entries = Object.entries(headersDistinct);
  return Object.fromEntries(entries.map(([name, values = []]) => [name, values.join(",")]));
}
