import { SCOPES } from "../../shared/oauth/scopes.ts";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import {
  type Call,
  defineTool,
  type Features,
  RoleMissing,
} from "../../shared/features/feature.ts";
import { jsonLog } from "../../shared/log.ts";
import { FeatureCalls } from "../../shared/mcp/feature-calls.ts";

const described = { name: "x", title: "x", description: "x", requiresRole: "Mcp.Admin" };

const features: Features = {
  tools: [
    defineTool({
      ...described,
      input: z.object({}),
      output: z.object({ done: z.boolean() }),
      run: async () => ({ done: true }),
    }),
  ],
  resources: [{ ...described, uri: "x://", mimeType: "text/plain", read: async () => "read" }],
  prompts: [
    {
      ...described,
      arguments: [{ name: "a", description: "a", complete: () => ["completed"] }],
      render: async () => "rendered",
    },
  ],
  promptSources: [],
};

const log: string[] = [];
const calls = new FeatureCalls({ features, log: jsonLog((_level, line) => log.push(line)) });

/** A call of a person with these roles. */
const callWith = (roles: string[]) => () =>
  ({
    session: { userKey: "u", id: "s", clientId: "c", roles },
    signal: new AbortController().signal,
  }) as unknown as Call;

describe("a feature that requires an app role", () => {
  it("runs for a person who has it", async () => {
    const call = callWith(["Mcp.Admin"]);
    expect(await calls.callTool("x", {}, ["mcp"], call)).toMatchObject({ ok: true });
    expect(await calls.readResource("x://", ["mcp"], call)).toMatchObject({ text: "read" });
    expect(await calls.renderPrompt("x", {}, SCOPES, call)).toMatchObject({ text: "rendered" });
    expect(await calls.completeArgument("x", "a", "", SCOPES, call)).toEqual(["completed"]);
  });

  it("is a tool error for one who has not, audited as denied", async () => {
    const outcome = await calls.callTool("x", {}, ["mcp"], callWith(["Other"]));
    expect(outcome.ok).toBe(false);
    expect(outcome.text).toContain("Mcp.Admin");
    expect(log.at(-1)).toContain('"outcome":"denied"');
  });

  it("is neither read nor rendered for one who has not", async () => {
    const call = callWith([]);
    await expect(calls.readResource("x://", ["mcp"], call)).rejects.toThrow(RoleMissing);
    await expect(calls.renderPrompt("x", {}, SCOPES, call)).rejects.toThrow(RoleMissing);
    await expect(calls.completeArgument("x", "a", "", SCOPES, call)).rejects.toThrow(RoleMissing);
  });
});
