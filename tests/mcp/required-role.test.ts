import { SCOPES } from "../../shared/oauth/scopes.ts";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Call } from "../../shared/features/call.ts";
import { RoleMissing } from "../../shared/features/feature-errors.ts";
import { defineTool, type Features } from "../../shared/features/feature.ts";
import type { Incoming } from "../../shared/mcp/incoming.ts";
import { featureCalls } from "../support/fake-call.ts";

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
  resourceTemplates: [],
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
const calls = featureCalls(features, log);

/** A call of a person with these roles. */
const callWith = (roles: string[]): Incoming => ({
  scopes: SCOPES,
  callFor: () =>
    ({
      session: { userKey: "u", id: "s", clientId: "c", roles },
      signal: new AbortController().signal,
    }) as unknown as Call,
});

const typed = { name: "a", value: "" };
const prompt = { type: "ref/prompt", name: "x" } as const;

describe("a feature that requires an app role", () => {
  it("runs for a person who has it", async () => {
    const incoming = callWith(["Mcp.Admin"]);
    expect(await calls.callTool("x", {}, incoming)).not.toHaveProperty("isError");
    expect(await calls.readResource("x://", incoming)).toMatchObject({
      contents: [{ text: "read" }],
    });
    expect(await calls.renderPrompt("x", {}, incoming)).toHaveProperty("messages");
    expect(await calls.complete(prompt, typed, incoming)).toMatchObject({
      completion: { values: ["completed"] },
    });
  });

  it("is a tool error for one who has not, audited as denied", async () => {
    const outcome = await calls.callTool("x", {}, callWith(["Other"]));
    expect(outcome).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining("Mcp.Admin") as string }],
    });
    expect(log.at(-1)).toContain('"outcome":"denied"');
  });

  it("is neither read nor rendered for one who has not", async () => {
    const incoming = callWith([]);
    await expect(calls.readResource("x://", incoming)).rejects.toThrow(RoleMissing);
    await expect(calls.renderPrompt("x", {}, incoming)).rejects.toThrow(RoleMissing);
    await expect(calls.complete(prompt, typed, incoming)).rejects.toThrow(RoleMissing);
  });
});
