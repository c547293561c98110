import { describe, expect, it } from "vitest";
import { formatTraceParent, parseTraceParent } from "../../shared/telemetry/trace-parent.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

describe("a traceparent (W3C Trace Context)", () => {
  it.each([
    ["01", true],
    ["00", false],
    // §3.2.2.5: only the last bit says whether it is sampled.
    ["03", true],
    ["fe", false],
  ])("with the flags %s is sampled: %s (§3.2.2.5)", (flags, sampled) => {
    const text = `00-${traceId}-${spanId}-${flags}`;
    expect(parseTraceParent(text)).toEqual({ traceId, spanId, sampled });
  });

  it("of a later version is read as far as it is known (§4.3)", () => {
    const text = `cc-${traceId}-${spanId}-01-what-the-future-will-be-like`;
    expect(parseTraceParent(text)).toEqual({ traceId, spanId, sampled: true });
  });

  it.each([
    ["no text", undefined],
    ["a list", [`00-${traceId}-${spanId}-01`]],
    ["in capitals", `00-${traceId.toUpperCase()}-${spanId}-01`],
    ["too short", `00-${traceId}-${spanId.slice(1)}-01`],
    ["of the version that is none", `ff-${traceId}-${spanId}-01`],
    ["longer than its version has it", `00-${traceId}-${spanId}-01-more`],
    ["of no trace", `00-${"0".repeat(32)}-${spanId}-01`],
    ["of no span", `00-${traceId}-${"0".repeat(16)}-01`],
    ["one of several", `00-${traceId}-${spanId}-01,00-${traceId}-${spanId}-01`],
  ])("is none where it is %s", (_what, text) => {
    expect(parseTraceParent(text)).toBeUndefined();
  });

  it("of ours is one", () => {
    for (const sampled of [true, false]) {
      const parent = { traceId, spanId, sampled };
      expect(parseTraceParent(formatTraceParent(parent))).toEqual(parent);
    }
  });
});
