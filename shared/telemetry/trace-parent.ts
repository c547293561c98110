/** The place of a span in its trace. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const NO_TRACE = "0".repeat(32);
const NO_SPAN = "0".repeat(16);

/**
 * Reads a `traceparent` (W3C Trace Context §3.2). It comes from other programs, so it is either one or nothing.
 *
 * @returns undefined for what is none.
 */
export function parseTraceParent(text: unknown): TraceParent | undefined {
  if (typeof text !== "string") return undefined;
  // §4.3: a version that is not known yet may go on after the flags; ff is none.
  const match = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-[^\s]*)?$/.exec(text);
  const [, version, traceId = NO_TRACE, spanId = NO_SPAN, flags = "", more] = match ?? [];
  if (match === null || version === "ff" || (version === "00" && more !== undefined)) {
    return undefined;
  }
  // §3.2.2.3, §3.2.2.4: all zeros mean that there is none.
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** @returns The `traceparent` of a span of ours. */
export function formatTraceParent({ traceId, spanId, sampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}
