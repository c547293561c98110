import { randomBytes } from "node:crypto";

/**
 * A span of this host, as the worker is told of it: in the caller's trace where there is one, with the caller's word on
 * whether it is sampled; otherwise in a new trace.
 *
 * @param recordsTraces whether the host would record the span; ASP.NET makes one in any case
 * @param caller the `traceparent` of the request
 */
export function newTraceParent(recordsTraces: boolean, caller = ""): string {
  const [, theirs, flags] = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(caller) ?? [];
  const trace = theirs ?? randomBytes(16).toString("hex");
  return `00-${trace}-${randomBytes(8).toString("hex")}-${flags ?? (recordsTraces ? "01" : "00")}`;
}
