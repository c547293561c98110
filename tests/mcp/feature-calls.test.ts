import { SCOPES, type Scope } from "../../shared/oauth/scopes.ts";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { EntraError } from "../../shared/entra/entra.ts";
import { GraphError } from "../../shared/entra/graph-error.ts";
import type { Call } from "../../shared/features/call.ts";
import { FeatureError } from "../../shared/features/feature-errors.ts";
import { defineTool, type Features, type Prompt } from "../../shared/features/feature.ts";
import { savedPrompts } from "../../shared/features/saved-prompts.ts";
import { text, type Content } from "../../shared/features/content.ts";
import { answeredForm, askFor, form, type Questions } from "../../shared/features/questions.ts";
import { Asking, type Incoming } from "../../shared/mcp/incoming.ts";
import type { FeatureCalls } from "../../shared/mcp/feature-calls.ts";
import { ScopeMissing, UnknownFeature, UnknownResource } from "../../shared/mcp/refusals.ts";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { createCall, featureCalls } from "../support/fake-call.ts";

const SECRET = "Bearer eyJ0-of-alice";

const run = vi.fn(async (): Promise<{ n: number } | Questions> => ({ n: 1 }));
const tool = defineTool({
  name: "count",
  title: "Count",
  description: "Counts.",
  requires: "calendar.read",
  input: z.object({ from: z.number().optional() }),
  output: z.object({ n: z.number() }),
  run,
});
const read = vi.fn(async (): Promise<string | Uint8Array> => "text");
const render = vi.fn(async () => "rendered");
const show = vi.fn(async (): Promise<string | Content[]> => "shown");
const described = { title: "T", description: "D" };
const features: Features = {
  tools: [
    tool,
    defineTool({
      name: "show",
      title: "Show",
      description: "Shows.",
      input: z.object({}),
      run: show,
    }),
  ],
  resources: [
    { ...described, name: "r", uri: "x://r", mimeType: "text/plain", requires: "user.read", read },
  ],
  resourceTemplates: [
    {
      ...described,
      name: "feed",
      uriTemplate: "feed://{topic}",
      mimeType: "text/plain",
      requires: "user.read",
      complete: { topic: (typed) => ["news", "notes"].filter((topic) => topic.startsWith(typed)) },
      read: async ({ topic }) => (topic === "none" ? undefined : `about ${topic}`),
    },
  ],
  prompts: [
    {
      ...described,
      name: "built-in",
      arguments: [
        { name: "who", description: "", required: true, complete: (typed) => [`${typed}!`] },
        { name: "plain", description: "" },
      ],
      render,
    },
  ],
  promptSources: [savedPrompts],
};

let log: string[];
let calls: FeatureCalls;
let fake: ReturnType<typeof createCall>;
const callFor = () => fake.call;
const having = (scopes: readonly Scope[], more: Partial<Incoming> = {}): Incoming => ({
  scopes,
  callFor,
  ...more,
});
beforeEach(() => {
  vi.clearAllMocks();
  run.mockResolvedValue({ n: 1 });
  log = [];
  calls = featureCalls(features, log);
  fake = createCall();
});

const call = (input: unknown = {}, more: Partial<Incoming> = {}) =>
  calls.callTool("count", input, having(["calendar.read"], more));
const failure = (words: string) => ({ content: [text(words)], isError: true });

const FAULTS: [Error, string][] = [
  [new FeatureError("Say please."), "Say please."],
  [new GraphError("denied", "Graph says no."), "Graph says no."],
  [new StorageUnavailable(SECRET), "The server cannot reach its storage right now."],
  [
    new EntraError("transient", "AADSTS50033"),
    "The server cannot reach Microsoft Entra ID right now. Try again in a moment.",
  ],
  [
    new EntraError("session-over", "AADSTS50173"),
    "Your sign-in needs to be renewed. Disconnect this app from the server and connect it again.",
  ],
  [new TypeError(`fetch failed: ${SECRET}`), "Something went wrong on the server."],
];

describe("calling a tool", () => {
  it("gives its result as data and as text, and leaves an audit line without its content", async () => {
    expect(await call()).toEqual({
      structuredContent: { n: 1 },
      content: [text('{\n  "n": 1\n}')],
    });
    const { session } = fake.call;
    expect(log.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        audit: "tool-called",
        tool: "count",
        actor: session.userKey,
        session: session.id,
        client: session.clientId,
        outcome: "success",
      },
    ]);
  });

  it("makes the call for the scope that the tool requires: no other Graph permission", async () => {
    const requested = vi.fn(callFor);
    await call({}, { callFor: requested });
    expect(requested).toHaveBeenCalledExactlyOnceWith("calendar.read");
  });

  it("does not run a tool whose scope the token lacks, and says which and what to do", async () => {
    const outcome = await calls.callTool("count", {}, having(["mcp", "user.read"]));
    const { message } = new ScopeMissing("calendar.read");
    expect(outcome).toEqual(failure(message));
    expect(message).toMatch(/"calendar\.read".*connect it again/);
    expect(run).not.toHaveBeenCalled();
  });

  it("says what does not fit about the arguments", async () => {
    expect(await call({ from: "x" })).toEqual(
      failure(expect.stringContaining("from") as unknown as string),
    );
    expect(run).not.toHaveBeenCalled();
  });

  it("is UnknownFeature for a tool that is not there", async () => {
    const attempt = calls.callTool("nope", {}, having(["mcp"]));
    await expect(attempt).rejects.toThrow(UnknownFeature);
  });

  it.each(FAULTS)("tells the person of %s only what is meant for them", async (fault, words) => {
    run.mockRejectedValue(fault);
    expect(await call()).toEqual(failure(words));
    expect(JSON.parse(log[0] ?? "")).toMatchObject({ audit: "tool-called", outcome: "failure" });
  });

  it("keeps an unexpected error for the log", async () => {
    run.mockRejectedValue(new TypeError(`fetch failed: ${SECRET}`));
    expect(JSON.stringify(await call())).not.toContain(SECRET);
    expect(log[0]).not.toContain(SECRET);
    expect(log[1]).toContain("fetch failed: Bearer [token]");
  });

  it("does not answer a call that the client has cancelled", async () => {
    const reason = new Error("cancelled");
    run.mockImplementation(() => {
      fake.abort();
      return Promise.reject(reason);
    });
    await expect(call()).rejects.toBe(reason);
  });
});

const shown = () => calls.callTool("show", {}, having(["mcp"]));

describe("a tool without data", () => {
  it("answers with what there is to see or hear, and is listed without a schema of its result", async () => {
    expect(await shown()).toEqual({ content: [text("shown")] });
    const picture = { type: "image", data: "AA==", mimeType: "image/png" } as const;
    show.mockResolvedValueOnce([text("look:"), picture]);
    expect(await shown()).toEqual({ content: [text("look:"), picture] });
    const [counting, showing] = calls.listTools().tools;
    expect(counting).toHaveProperty("outputSchema");
    expect(showing).not.toHaveProperty("outputSchema");
  });
});

const asked = async (): Promise<Asking> => {
  const outcome = await call({ from: 3 });
  if (!(outcome instanceof Asking)) throw new Error("it has not asked");
  return outcome;
};

describe("a tool that asks (MCP 2026-07-28, multi-round-trip requests)", () => {
  const fields = z.object({ yes: z.boolean() });
  beforeEach(() => {
    run.mockImplementation(async () => askFor({ sure: form("Sure?", fields) }, { step: 1 }));
  });

  it("is answered with its questions and a state that says nothing to the client", async () => {
    const { questions, requestState } = await asked();
    expect(questions["sure"]).toEqual({
      method: "elicitation/create",
      params: {
        mode: "form",
        message: "Sure?",
        requestedSchema: {
          type: "object",
          properties: { yes: { type: "boolean" } },
          required: ["yes"],
        },
      },
    });
    expect(requestState).not.toContain("step");
    expect(Buffer.from(requestState ?? "", "base64url").toString()).not.toContain("step");
  });

  it("gets answers and state in the next round, on an instance that knows nothing of the first", async () => {
    const { requestState } = await asked();
    const seen = vi.fn();
    run.mockImplementation((async (_input: unknown, { answers, state }: Call) => {
      seen(answeredForm(answers, "sure", fields), state);
      return { n: 2 };
    }) as typeof run);
    const answers = { sure: { action: "accept", content: { yes: true } } };
    expect(await call({ from: 3 }, { answers, requestState })).toMatchObject({
      structuredContent: { n: 2 },
    });
    expect(seen).toHaveBeenCalledWith({ action: "accept", content: { yes: true } }, { step: 1 });
  });

  it("has no state where the tool has kept none", async () => {
    run.mockImplementation(async () => askFor({ sure: form("Sure?", fields) }));
    expect((await asked()).requestState).toBeUndefined();
  });

  it("does not run with a state that was changed, and audits the attempt", async () => {
    const { requestState = "" } = await asked();
    run.mockClear();
    const tampered = `${requestState.slice(0, -2)}xx`;
    await expect(call({ from: 3 }, { requestState: tampered })).rejects.toMatchObject({
      code: -32_602,
    });
    expect(run).not.toHaveBeenCalled();
    expect(log.at(-1)).toContain('"outcome":"denied"');
  });
});

describe("reading a resource", () => {
  it("gives its text and media type", async () => {
    const reading = calls.readResource("x://r", having(["user.read"]));
    expect(await reading).toEqual({
      contents: [{ uri: "x://r", mimeType: "text/plain", text: "text" }],
    });
  });

  it("gives bytes as base64", async () => {
    read.mockResolvedValueOnce(new Uint8Array([1, 2, 255]));
    const reading = calls.readResource("x://r", having(["user.read"]));
    expect(await reading).toEqual({
      contents: [{ uri: "x://r", mimeType: "text/plain", blob: "AQL/" }],
    });
  });

  it("reads by a template, decoded, and needs the scope of the template", async () => {
    const reading = calls.readResource("feed://road%20works", having(["user.read"]));
    expect(await reading).toMatchObject({ contents: [{ text: "about road works" }] });
    const attempt = calls.readResource("feed://news", having(["mcp"]));
    await expect(attempt).rejects.toThrow(ScopeMissing);
  });

  it.each(["feed://none", "feed://a/b", "feed://", "feed://%zz", "feeds://news"])(
    "finds nothing at %s",
    async (uri) => {
      const attempt = calls.readResource(uri, having(["user.read"]));
      await expect(attempt).rejects.toMatchObject({ code: -32_002, data: { uri } });
    },
  );

  it("can be subscribed to by template, and not where there is none", () => {
    const reader = having(["user.read"]);
    expect(() => calls.requireResource("feed://news", reader)).not.toThrow();
    expect(() => calls.requireResource("x://other", reader)).toThrow(UnknownResource);
    expect(() => calls.requireResource("feed://news", having(["mcp"]))).toThrow(ScopeMissing);
  });

  it("needs its scope", async () => {
    const attempt = calls.readResource("x://r", having(["mcp"]));
    await expect(attempt).rejects.toThrow(ScopeMissing);
    expect(read).not.toHaveBeenCalled();
  });

  it("is UnknownFeature for one that is not there", async () => {
    const attempt = calls.readResource("x://other", having(["mcp"]));
    await expect(attempt).rejects.toThrow(UnknownFeature);
  });

  it.each(FAULTS)("tells the person of %s only what is meant for them", async (fault, words) => {
    read.mockRejectedValueOnce(fault);
    const attempt = calls.readResource("x://r", having(["user.read"]));
    await expect(attempt).rejects.toMatchObject({ message: words });
    await expect(attempt).rejects.toBeInstanceOf(FeatureError);
  });
});

const names = async () => {
  const { prompts } = await calls.listPrompts(having(["mcp"]));
  return prompts.map(({ name }) => name);
};
const saying = (words: string) => ({ messages: [{ role: "user", content: text(words) }] });
const completed = (
  name: string,
  argument: string,
  value: string,
  by: FeatureCalls = calls,
  scopes: readonly Scope[] = SCOPES,
) => by.complete({ type: "ref/prompt", name }, { name: argument, value }, having(scopes));

describe("prompts", () => {
  it("are the built-in ones, then the person's own", async () => {
    await fake.call.settings.update({ savedPrompts: [{ name: "mine", text: "my text" }] });
    expect(await names()).toEqual(["built-in", "mine"]);
    expect(await calls.renderPrompt("mine", {}, having(SCOPES))).toMatchObject(saying("my text"));
  });

  it("cannot be shadowed: a saved prompt never takes the place of a built-in one", async () => {
    await fake.call.settings.update({ savedPrompts: [{ name: "built-in", text: "evil" }] });
    expect(await names()).toEqual(["built-in"]);
    const rendered = await calls.renderPrompt("built-in", { who: "x" }, having(SCOPES));
    expect(rendered).toEqual({ description: "D", ...saying("rendered") });
  });

  it.each([{}, { who: "" }, { plain: "x" }])(
    "need their required arguments: %j is not enough",
    async (values) => {
      const attempt = calls.renderPrompt("built-in", values, having(SCOPES));
      await expect(attempt).rejects.toThrow("The argument who is missing.");
      expect(render).not.toHaveBeenCalled();
    },
  );

  it("need the scope that they require, to be rendered and to be completed", async () => {
    const needy: Prompt = {
      name: "needy",
      title: "Needy",
      description: "D",
      requires: "calendar.read",
      arguments: [{ name: "who", description: "Who", complete: () => ["x"] }],
      render: async () => "rendered",
    };
    const strict = featureCalls({ ...features, prompts: [needy] });
    const rendered = strict.renderPrompt("needy", {}, having(["mcp"]));
    await expect(rendered).rejects.toThrow(ScopeMissing);
    await expect(completed("needy", "who", "", strict, ["mcp"])).rejects.toThrow(ScopeMissing);
  });

  it("are UnknownFeature where they are not there", async () => {
    await expect(calls.renderPrompt("x", {}, having(SCOPES))).rejects.toThrow(UnknownFeature);
    await expect(completed("x", "who", "")).rejects.toThrow(UnknownFeature);
    await expect(completed("built-in", "x", "")).rejects.toThrow(UnknownFeature);
  });

  it("complete an argument where it can be completed", async () => {
    expect(await completed("built-in", "who", "ali")).toEqual({
      completion: { values: ["ali!"], total: 1, hasMore: false },
    });
    expect(await completed("built-in", "plain", "ali")).toMatchObject({
      completion: { values: [] },
    });
  });

  it("say several things, of several kinds", async () => {
    const said = [
      { role: "user", content: text("Look.") },
      { role: "assistant", content: { type: "image", data: "AA==", mimeType: "image/png" } },
    ];
    render.mockResolvedValueOnce(said as never);
    const rendered = await calls.renderPrompt("built-in", { who: "x" }, having(SCOPES));
    expect(rendered).toMatchObject({ messages: said });
  });

  it("tell the person of an outage without its details", async () => {
    render.mockRejectedValueOnce(new StorageUnavailable(SECRET));
    const attempt = calls.renderPrompt("built-in", { who: "x" }, having(SCOPES));
    await expect(attempt).rejects.toThrow("The server cannot reach its storage right now.");
  });
});

const feed = (argument: string, value: string) =>
  calls.complete(
    { type: "ref/resource", uri: "feed://{topic}" },
    { name: argument, value },
    having(["user.read"]),
  );

describe("a template's variable", () => {
  it("is completed", async () => {
    expect(await feed("topic", "no")).toMatchObject({ completion: { values: ["notes"] } });
  });

  it("is UnknownFeature where there is no such variable", async () => {
    await expect(feed("toString", "")).rejects.toThrow(UnknownFeature);
  });
});

describe("the scope that a request lacks", () => {
  it.each([
    ["tools/call", { name: "count" }, "calendar.read"],
    ["tools/call", { name: "nope" }, undefined],
    ["tools/call", undefined, undefined],
    ["tools/call", { name: 7 }, undefined],
    ["resources/read", { uri: "x://r" }, "user.read"],
    ["resources/read", { uri: "feed://news" }, "user.read"],
    ["resources/subscribe", { uri: "x://r" }, "user.read"],
    ["prompts/get", { name: "built-in" }, undefined],
    ["completion/complete", { ref: { uri: "feed://{topic}" } }, "user.read"],
    ["tools/list", {}, undefined],
  ])("is found before anything runs: %s %j needs %s", (method, params, scope) => {
    expect(calls.missingScope(method, params, ["mcp"])).toBe(scope);
    expect(calls.missingScope(method, params, SCOPES)).toBeUndefined();
  });
});
