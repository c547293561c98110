import { describe, expect, it } from "vitest";
import { canAsk, isHeard } from "../../shared/mcp/client-capabilities.ts";

describe("what a client can be asked", () => {
  it.each([
    [undefined, false],
    [{}, false],
    [{ elicitation: {} }, true],
    [{ elicitation: { form: {} } }, true],
    [{ elicitation: { form: {}, url: {} } }, true],
    [{ elicitation: { url: {} } }, false],
  ])("with %j a form: %s (a bare declaration is older than its modes)", (declared, can) => {
    expect(canAsk(declared, "elicitation")).toBe(can);
  });

  it("is what it has declared", () => {
    expect(canAsk({ sampling: {} }, "sampling")).toBe(true);
    expect(canAsk({ sampling: {} }, "roots")).toBe(false);
  });
});

describe("what a client hears", () => {
  it("is from its level on, and from info where it has set none", () => {
    expect(isHeard("error", "warning")).toBe(true);
    expect(isHeard("notice", "warning")).toBe(false);
    expect(isHeard("warning", "warning")).toBe(true);
    expect(isHeard("debug")).toBe(false);
    expect(isHeard("info")).toBe(true);
  });
});
