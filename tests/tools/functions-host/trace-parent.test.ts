import { expect, test } from "vitest";
import { newTraceParent } from "../../../tools/functions-host/trace-parent.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";

test("a caller's trace goes on, in a span of the host's, with the caller's word on sampling", () => {
  for (const flags of ["00", "01"]) {
    const told = newTraceParent(true, `00-${trace}-b7ad6b7169203331-${flags}`);
    expect(told).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-${flags}$`));
    expect(told).not.toContain("b7ad6b7169203331");
  }
});

test("a new trace is sampled where the host records traces", () => {
  expect(newTraceParent(true)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(newTraceParent(false, "nonsense")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  expect(newTraceParent(true)).not.toBe(newTraceParent(true));
});
