import { PromptListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { features } from "../../shared/features/all.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { type ConnectedClient, connectAs } from "../support/sdk-client.ts";

const BUILT_IN = features.prompts.map(({ name }) => name);

// Whole systems start here, and a busy machine takes its time over that.
vi.setConfig({ testTimeout: 20_000 });

let stack: LocalStack;
let alice: ConnectedClient;
let bob: ConnectedClient;

beforeAll(async () => {
  stack = await startLocalStack();
  [alice, bob] = await Promise.all([
    connectAs(stack.baseUrl, "alice"),
    connectAs(stack.baseUrl, "bob"),
  ]);
}, 60_000);
afterAll(async () => {
  await Promise.all([alice.close(), bob.close()]);
  await stack.stop();
});

it("offers the built-in prompts, and renders one with its arguments", async () => {
  expect(await promptNames(alice)).toEqual(BUILT_IN);
  const { messages } = await alice.client.getPrompt({
    name: "introduce-me",
    arguments: { audience: "a new team", tone: "short" },
  });
  expect(messages).toMatchObject([{ role: "user", content: { type: "text" } }]);
  expect(JSON.stringify(messages)).toContain("introduction of me for this audience: a new team");
});

it("refuses to render a prompt without a required argument", async () => {
  await expect(alice.client.getPrompt({ name: "introduce-me" })).rejects.toThrow("audience");
});

it("offers a person's saved prompts to that person's clients, which are told that the list changed", async () => {
  const other = await connectAs(stack.baseUrl, "alice");
  const told: string[] = [];
  for (const [name, { client }] of Object.entries({ other, bob })) {
    client.setNotificationHandler(PromptListChangedNotificationSchema, () => void told.push(name));
  }
  const savedPrompts = [
    { name: "retro", text: "Write the agenda of our retrospective." },
    { name: "plan-my-week", text: "This cannot take the place of the built-in one." },
  ];
  await alice.client.callTool({ name: "updateSettings", arguments: { savedPrompts } });
  await expect.poll(() => told, { timeout: 5_000 }).toEqual(["other"]);
  expect(await promptNames(other)).toEqual([...BUILT_IN, "retro"]);
  const { messages } = await other.client.getPrompt({ name: "retro" });
  expect(messages[0]?.content).toEqual({ type: "text", text: savedPrompts[0]?.text });
  expect(await promptNames(bob)).toEqual(BUILT_IN);
  await expect(bob.client.getPrompt({ name: "retro" })).rejects.toMatchObject({ code: -32_602 });
  expect(told).toEqual(["other"]);
  await other.close();
});

it("completes an argument from a list and from the person's own filters", async () => {
  await alice.client.callTool({
    name: "updateSettings",
    arguments: { filters: { customers: "call", colleagues: "1:1", reviews: "review" } },
  });
  expect(await complete(alice, "introduce-me", "tone", "f")).toEqual(["formal", "friendly"]);
  expect(await complete(alice, "plan-my-week", "filter", "c")).toEqual(["customers", "colleagues"]);
  expect(await complete(bob, "plan-my-week", "filter", "c")).toEqual([]);
});

async function promptNames({ client }: ConnectedClient): Promise<string[]> {
  return (await client.listPrompts()).prompts.map(({ name }) => name);
}

async function complete(
  { client }: ConnectedClient,
  prompt: string,
  argument: string,
  typed: string,
): Promise<string[]> {
  const { completion } = await client.complete({
    ref: { type: "ref/prompt", name: prompt },
    argument: { name: argument, value: typed },
  });
  return completion.values;
}
