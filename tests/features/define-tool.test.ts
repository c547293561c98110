import { describe, expect, it } from "vitest";
import { z } from "zod";
import { features } from "../../shared/features/all.ts";
import { defineTool } from "../../shared/features/feature.ts";
import { createCall, resultOf } from "../support/fake-call.ts";

const double = defineTool({
  name: "double",
  title: "Double",
  description: "Doubles a number.",
  input: z.object({ n: z.number().default(1) }),
  output: z.object({ n: z.number() }),
  run: async ({ n }) => ({ n: n * 2, secret: "not in the schema" }),
});

describe("a tool", () => {
  it("gets input that was checked, with its defaults", async () => {
    const { call } = createCall();
    expect((await resultOf(double, { n: 3 }, call)).structured).toEqual({ n: 6 });
    expect((await resultOf(double, {}, call)).structured).toEqual({ n: 2 });
  });

  it("says what does not fit about its arguments", async () => {
    await expect(double.call({ n: "x" }, createCall().call)).rejects.toMatchObject({
      name: "InputInvalid",
      message: expect.stringContaining("→ at n") as string,
    });
    await expect(double.call(null, createCall().call)).rejects.toMatchObject({
      name: "InputInvalid",
    });
  });

  it("lets nothing out that its output schema does not name", async () => {
    const { structured, text } = await resultOf(double, {}, createCall().call);
    expect(structured).not.toHaveProperty("secret");
    expect(text).not.toContain("secret");
  });

  it("tells clients the schema of its input as they send it: a default is not required", () => {
    expect(double.inputSchema).toMatchObject({ type: "object", properties: { n: { default: 1 } } });
    expect(double.inputSchema.required ?? []).toEqual([]);
  });
});

describe("everything that the server offers", () => {
  it("has names that differ", () => {
    for (const kind of [features.tools, features.resources, features.prompts]) {
      const names = kind.map(({ name }) => name);
      expect(new Set(names)).toHaveLength(names.length);
    }
  });

  it.each([
    ["getUserDetails", true],
    ["getSettings", true],
    ["updateSettings", undefined],
    ["listEvents", true],
    ["listSessions", true],
    ["revokeSession", undefined],
  ])("says that a tool is read-only where it is: %s", (wanted, readOnlyHint) => {
    const tool = features.tools.find(({ name }) => name === wanted);
    expect(tool?.annotations.readOnlyHint).toBe(readOnlyHint);
    expect(tool).toBeDefined();
  });
});
