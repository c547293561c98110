import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  type ElicitResult,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  PromptListChangedNotificationSchema,
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { features } from "../../shared/features/all.ts";
import { defineTool, type Features } from "../../shared/features/feature.ts";
import {
  answeredForm,
  answeredRoots,
  answeredSampling,
  askFor,
  form,
  roots,
  sampling,
} from "../../shared/features/questions.ts";
import { createSseServer, type SseServer, type Told } from "../../shared/mcp/sse-server.ts";
import { SCOPES, type Scope } from "../../shared/oauth/scopes.ts";
import { createCall, featureCalls } from "../support/fake-call.ts";

const described = { title: "T", description: "D" };
const yes = z.object({ yes: z.boolean() });

const asking: Features = {
  tools: [
    defineTool({
      ...described,
      name: "ask",
      input: z.object({ what: z.string() }),
      output: z.object({ rounds: z.number(), heard: z.array(z.string()) }),
      async run({ what }, { answers, state }) {
        const { round, heard } = z
          .object({ round: z.number(), heard: z.array(z.string()) })
          .catch({ round: 1, heard: [] })
          .parse(state);
        const person = answeredForm(answers, "person", yes);
        const model = answeredSampling(answers, "model");
        const folders = answeredRoots(answers, "folders");
        if (person !== undefined) heard.push(`person: ${JSON.stringify(person)}`);
        if (model !== undefined) heard.push(`model: ${model.text}`);
        if (folders !== undefined) heard.push(`folders: ${folders.map(({ uri }) => uri).join()}`);
        const next = { round: round + 1, heard };
        if (what === "forever") return askFor({ folders: roots }, next);
        if (person === undefined && round === 1) {
          return askFor({ person: form("Sure?", yes) }, next);
        }
        if (model === undefined && what === "everything") {
          const content = { type: "text", text: "Say hi." } as const;
          const greeting = sampling([{ role: "user", content }], { maxTokens: 10 });
          return askFor({ model: greeting, folders: roots }, next);
        }
        return { rounds: round, heard };
      },
    }),
    defineTool({
      ...described,
      name: "chat",
      input: z.object({}),
      async run(_input, call) {
        await call.log("debug", "quiet");
        await call.log("info", { loud: true });
        return "done";
      },
    }),
  ],
  resources: [],
  resourceTemplates: [],
  prompts: [],
  promptSources: [],
};

let client: Client;
let mcp: SseServer;
let fake: ReturnType<typeof createCall>;
/** Of the token that comes with the next message. */
let scopes: readonly Scope[];
let notified: unknown[];
let told: Told[];
async function connect(offered: Features, capabilities = {}): Promise<void> {
  mcp = createSseServer(
    featureCalls(offered),
    (wire) => () => ({ ...fake.call, ...wire }),
    () => ({ beforeOwnEnd: () => undefined }),
    {
      told: () => told.at(-1) ?? { subscriptions: [] },
      async changed(news) {
        told.push(news);
      },
    },
  );
  const [near, far] = InMemoryTransport.createLinkedPair();
  // As SseTransport does: each message comes with the scopes of its token.
  const send = near.send.bind(near);
  near.send = (message) => {
    const authInfo = { token: "", clientId: "c", scopes: [...scopes] };
    return send(message, { authInfo });
  };
  client = new Client({ name: "test", version: "1" }, { capabilities });
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    notified.push(params.uri);
  });
  client.setNotificationHandler(PromptListChangedNotificationSchema, () => {
    notified.push("prompts");
  });
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => {
    notified.push("tools");
  });
  client.setNotificationHandler(ResourceListChangedNotificationSchema, () => {
    notified.push("resources");
  });
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    notified.push(params);
  });
  await mcp.server.connect(far);
  await client.connect(near);
}
beforeEach(async () => {
  scopes = SCOPES;
  notified = [];
  told = [];
  fake = createCall();
  await connect(features);
});
afterEach(() => client.close());

describe("what the server says about itself", () => {
  it("names tools, resources with subscriptions, prompts, all of which change, and completion", () => {
    expect(client.getServerCapabilities()).toEqual({
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      completions: {},
      logging: {},
    });
    expect(client.getServerVersion()).toMatchObject({ name: "entra-mcp-functions" });
    expect(client.getInstructions()).toContain("signed-in person");
  });
});

describe("tools", () => {
  it("are listed with schemas and hints", async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(features.tools.map(({ name }) => name));
    const updateSettings = tools.find(({ name }) => name === "updateSettings");
    expect(updateSettings).toMatchObject({
      title: "Change my settings",
      annotations: { idempotentHint: true, destructiveHint: false },
      inputSchema: { type: "object", properties: { timeZone: { type: "string" } } },
      outputSchema: { type: "object", required: ["filters", "timeZone", "savedPrompts"] },
    });
  });

  it("answer with structured content that fits their schema, and with text", async () => {
    await client.listTools(); // from now on the client checks results against the output schemas
    fake.graph.answers.push({ displayName: "Alice", mail: "alice@contoso.example" });
    const result = await client.callTool({ name: "getUserDetails" });
    expect(result).toMatchObject({
      content: [{ type: "text", text: "Alice <alice@contoso.example>" }],
      structuredContent: { displayName: "Alice" },
    });
    expect(result.isError).toBeUndefined();
  });

  it("answer an error of theirs as a result, so that the model can read it", async () => {
    const result = await client.callTool({ name: "listEvents", arguments: { days: 99 } });
    expect(result).toMatchObject({ isError: true, content: [{ type: "text" }] });
    expect(JSON.stringify(result.content)).toContain("days");
  });

  it("go by the scopes of the token that came with this very message", async () => {
    scopes = ["mcp"];
    const refused = await client.callTool({ name: "getUserDetails" });
    expect(refused.isError).toBe(true);
    expect(JSON.stringify(refused.content)).toContain("user.read");
    expect(fake.graph.asked).toEqual([]);
    scopes = ["mcp", "user.read"];
    fake.graph.answers.push({});
    expect((await client.callTool({ name: "getUserDetails" })).isError).toBeUndefined();
  });

  it("that are not there are an error of the protocol: invalid params (MCP 2025-11-25, tools)", async () => {
    const attempt = client.callTool({ name: "nope" });
    await expect(attempt).rejects.toMatchObject({ code: -32_602 });
  });
});

describe("resources", () => {
  it("are listed and read", async () => {
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual(features.resources.map(({ uri }) => uri));
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(
      features.resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    );
    const { contents } = await client.readResource({ uri: "settings://me" });
    expect(contents).toEqual([
      {
        uri: "settings://me",
        mimeType: "application/json",
        text: JSON.stringify({ filters: {}, timeZone: "UTC", savedPrompts: [] }),
      },
    ]);
  });

  it("that are not there are -32002, to read and to subscribe (MCP 2025-11-25, resources)", async () => {
    const uri = "settings://bob";
    await expect(client.readResource({ uri })).rejects.toMatchObject({ code: -32_002 });
    await expect(client.subscribeResource({ uri })).rejects.toMatchObject({ code: -32_002 });
  });

  it("whose scope is missing are refused with the reason", async () => {
    scopes = ["mcp"];
    const attempt = client.readResource({ uri: "user://me" });
    await expect(attempt).rejects.toThrow(/user\.read/);
  });

  it("are announced to who has subscribed, from then until they unsubscribe", async () => {
    const uri = "settings://me";
    const change = { kind: "resource-updated", uri } as const;
    await mcp.announce(change);
    await client.subscribeResource({ uri });
    await mcp.announce(change);
    await mcp.announce({ kind: "resource-updated", uri: "user://me" });
    expect(notified).toEqual([uri]);
    await client.unsubscribeResource({ uri });
    await mcp.announce(change);
    expect(notified).toEqual([uri]);
    expect(told).toEqual([{ subscriptions: [uri] }, { subscriptions: [] }]);
  });

  it("are announced as a list when there are others now, and so are tools", async () => {
    await mcp.announce({ kind: "resources-changed" });
    await mcp.announce({ kind: "tools-changed" });
    expect(notified).toEqual(["resources", "tools"]);
  });
});

describe("prompts", () => {
  it("are listed, the person's own last, and announced when they change", async () => {
    await fake.call.settings.update({ savedPrompts: [{ name: "mine", text: "my text" }] });
    await mcp.announce({ kind: "prompts-changed" });
    expect(notified).toEqual(["prompts"]);
    const { prompts } = await client.listPrompts();
    const builtIn = features.prompts.map(({ name }) => name);
    expect(prompts.map(({ name }) => name)).toEqual([...builtIn, "mine"]);
    expect(prompts.find(({ name }) => name === "introduce-me")?.arguments).toMatchObject([
      { name: "audience", required: true },
      { name: "tone", required: false },
    ]);
  });

  it("are rendered as a message of the person's", async () => {
    const rendered = await client.getPrompt({
      name: "introduce-me",
      arguments: { audience: "a new team" },
    });
    expect(rendered.messages).toMatchObject([{ role: "user", content: { type: "text" } }]);
    expect(JSON.stringify(rendered.messages)).toContain("a new team");
  });

  it("are refused without a required argument, and where they are not there", async () => {
    await expect(client.getPrompt({ name: "introduce-me" })).rejects.toThrow(/audience/);
    await expect(client.getPrompt({ name: "x" })).rejects.toMatchObject({ code: -32_602 });
  });
});

const complete = (name: string, argument: string, value: string) =>
  client.complete({
    ref: { type: "ref/prompt", name },
    argument: { name: argument, value },
  });

describe("completion", () => {
  it("suggests values for a prompt's argument", async () => {
    expect((await complete("introduce-me", "tone", "f")).completion).toEqual({
      values: ["formal", "friendly"],
      total: 2,
      hasMore: false,
    });
  });

  it("is refused for arguments and references that are not there", async () => {
    await expect(complete("introduce-me", "x", "")).rejects.toMatchObject({ code: -32_602 });
    const ref = { type: "ref/resource", uri: "user://{id}" } as const;
    const attempt = client.complete({ ref, argument: { name: "id", value: "" } });
    await expect(attempt).rejects.toMatchObject({ code: -32_602 });
  });
});

describe("what a tool tells the client of its work", () => {
  it("is heard from level info on, or from the level that the client has set", async () => {
    await client.close();
    await connect(asking);
    await client.callTool({ name: "chat" });
    expect(notified).toEqual([{ level: "info", data: { loud: true } }]);
    await client.setLoggingLevel("debug");
    await client.callTool({ name: "chat" });
    expect(notified).toHaveLength(3);
    await client.setLoggingLevel("error");
    await client.callTool({ name: "chat" });
    expect(notified).toHaveLength(3);
    expect(told).toMatchObject([{ logLevel: "debug" }, { logLevel: "error" }]);
  });
});

const ask = (what: string) => client.callTool({ name: "ask", arguments: { what } });

describe("a tool that asks", () => {
  const everything = { elicitation: {}, sampling: {}, roots: {} };
  async function withAnswers(
    person: ElicitResult = { action: "accept", content: { yes: true } },
  ): Promise<void> {
    await client.close();
    await connect(asking, everything);
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      notified.push(params.message);
      return person;
    });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: "assistant",
      content: { type: "text", text: "hi" },
      model: "m",
    }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: "file:///work" }] }));
  }

  it("has the person, the model and the client answer, round by round", async () => {
    await withAnswers();
    expect((await ask("everything")).structuredContent).toEqual({
      rounds: 3,
      heard: [
        'person: {"action":"accept","content":{"yes":true}}',
        "model: hi",
        "folders: file:///work",
      ],
    });
    expect(notified).toEqual(["Sure?"]);
  });

  it("learns that the person would rather not", async () => {
    await withAnswers({ action: "decline" });
    expect((await ask("")).structuredContent).toMatchObject({
      heard: ['person: {"action":"decline"}'],
    });
  });

  it("is an error that the person can read where the client cannot answer", async () => {
    await client.close();
    await connect(asking, { roots: {} });
    const result = await ask("");
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result.content)).toContain("elicitation");
  });

  it("is an error where what the person has filled in does not fit what was asked", async () => {
    await withAnswers({ action: "accept", content: { yes: ["maybe"] } });
    expect((await ask("")).isError).toBe(true);
    expect(notified).toEqual(["Sure?"]);
  });

  it("is an error where the client does not answer", async () => {
    await withAnswers();
    client.setRequestHandler(ElicitRequestSchema, () => {
      throw new Error("no window");
    });
    const result = await ask("");
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result.content)).not.toContain("no window");
  });

  it("comes to an end, however often it would ask", async () => {
    await withAnswers();
    const result = await ask("forever");
    expect(result.isError).toBe(true);
    expect(JSON.stringify(result.content)).toContain("8 times");
  });
});
