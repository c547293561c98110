import { SCOPES } from "../../shared/oauth/scopes.ts";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { EntraError } from "../../shared/entra/entra.ts";
import { GraphError } from "../../shared/entra/graph.ts";
import {
  defineTool,
  FeatureError,
  type Features,
  type Prompt,
} from "../../shared/features/feature.ts";
import { savedPrompts } from "../../shared/features/saved-prompts.ts";
import { jsonLog } from "../../shared/log.ts";
import { FeatureCalls, ScopeMissing, UnknownFeature } from "../../shared/mcp/feature-calls.ts";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { createCall } from "../support/fake-call.ts";

const SECRET = "Bearer eyJ0-of-alice";

const run = vi.fn(async (): Promise<{ n: number }> => ({ n: 1 }));
const tool = defineTool({
  name: "count",
  title: "Count",
  description: "Counts.",
  requires: "calendar.read",
  input: z.object({ from: z.number().optional() }),
  output: z.object({ n: z.number() }),
  run,
});
const read = vi.fn(async () => "text");
const render = vi.fn(async () => "rendered");
const described = { title: "T", description: "D" };
const features: Features = {
  tools: [tool],
  resources: [
    { ...described, name: "r", uri: "x://r", mimeType: "text/plain", requires: "user.read", read },
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
beforeEach(() => {
  vi.clearAllMocks();
  run.mockResolvedValue({ n: 1 });
  log = [];
  calls = new FeatureCalls({ features, log: jsonLog((_, line) => log.push(line)) });
  fake = createCall();
});

const call = (input: unknown = {}) => calls.callTool("count", input, ["calendar.read"], callFor);

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
    expect(await call()).toEqual({ ok: true, structured: { n: 1 }, text: '{\n  "n": 1\n}' });
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
    await calls.callTool("count", {}, ["calendar.read"], requested);
    expect(requested).toHaveBeenCalledExactlyOnceWith("calendar.read");
  });

  it("does not run a tool whose scope the token lacks, and says which and what to do", async () => {
    const outcome = await calls.callTool("count", {}, ["mcp", "user.read"], callFor);
    expect(outcome).toEqual({ ok: false, text: new ScopeMissing("calendar.read").message });
    expect(outcome.text).toMatch(/"calendar\.read".*connect it again/);
    expect(run).not.toHaveBeenCalled();
  });

  it("says what does not fit about the arguments", async () => {
    expect(await call({ from: "x" })).toMatchObject({
      ok: false,
      text: expect.stringContaining("from") as string,
    });
    expect(run).not.toHaveBeenCalled();
  });

  it("is UnknownFeature for a tool that is not there", async () => {
    const attempt = calls.callTool("nope", {}, ["mcp"], callFor);
    await expect(attempt).rejects.toThrow(UnknownFeature);
  });

  it.each(FAULTS)("tells the person of %s only what is meant for them", async (fault, text) => {
    run.mockRejectedValue(fault);
    expect(await call()).toEqual({ ok: false, text });
    expect(JSON.parse(log[0] ?? "")).toMatchObject({ audit: "tool-called", outcome: "failure" });
  });

  it("keeps an unexpected error for the log", async () => {
    run.mockRejectedValue(new TypeError(`fetch failed: ${SECRET}`));
    expect(JSON.stringify(await call())).not.toContain(SECRET);
    expect(log[0]).not.toContain(SECRET);
    expect(log[1]).toContain(SECRET);
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

describe("reading a resource", () => {
  it("gives its text and media type", async () => {
    const reading = calls.readResource("x://r", ["user.read"], callFor);
    expect(await reading).toEqual({ mimeType: "text/plain", text: "text" });
  });

  it("needs its scope", async () => {
    const attempt = calls.readResource("x://r", ["mcp"], callFor);
    await expect(attempt).rejects.toThrow(ScopeMissing);
    expect(read).not.toHaveBeenCalled();
  });

  it("is UnknownFeature for one that is not there", async () => {
    const attempt = calls.readResource("x://other", ["mcp"], callFor);
    await expect(attempt).rejects.toThrow(UnknownFeature);
  });

  it.each(FAULTS)("tells the person of %s only what is meant for them", async (fault, text) => {
    read.mockRejectedValueOnce(fault);
    const attempt = calls.readResource("x://r", ["user.read"], callFor);
    await expect(attempt).rejects.toMatchObject({ message: text });
    await expect(attempt).rejects.toBeInstanceOf(FeatureError);
  });
});

const names = async () => (await calls.prompts(callFor)).map(({ name }) => name);

describe("prompts", () => {
  it("are the built-in ones, then the person's own", async () => {
    await fake.call.settings.update({ savedPrompts: [{ name: "mine", text: "my text" }] });
    expect(await names()).toEqual(["built-in", "mine"]);
    expect(await calls.renderPrompt("mine", {}, SCOPES, callFor)).toMatchObject({
      text: "my text",
    });
  });

  it("cannot be shadowed: a saved prompt never takes the place of a built-in one", async () => {
    await fake.call.settings.update({ savedPrompts: [{ name: "built-in", text: "evil" }] });
    expect(await names()).toEqual(["built-in"]);
    const rendered = await calls.renderPrompt("built-in", { who: "x" }, SCOPES, callFor);
    expect(rendered).toEqual({ description: "D", text: "rendered" });
  });

  it.each([{}, { who: "" }, { plain: "x" }])(
    "need their required arguments: %j is not enough",
    async (values) => {
      const attempt = calls.renderPrompt("built-in", values, SCOPES, callFor);
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
    const only = { tools: [], resources: [], prompts: [needy], promptSources: [] };
    const strict = new FeatureCalls({ features: only, log: jsonLog(() => undefined) });
    const rendered = strict.renderPrompt("needy", {}, ["mcp"], callFor);
    await expect(rendered).rejects.toThrow(ScopeMissing);
    const completed = strict.completeArgument("needy", "who", "", ["mcp"], callFor);
    await expect(completed).rejects.toThrow(ScopeMissing);
  });

  it("are UnknownFeature where they are not there", async () => {
    await expect(calls.renderPrompt("x", {}, SCOPES, callFor)).rejects.toThrow(UnknownFeature);
    await expect(calls.completeArgument("x", "who", "", SCOPES, callFor)).rejects.toThrow(
      UnknownFeature,
    );
    const attempt = calls.completeArgument("built-in", "x", "", SCOPES, callFor);
    await expect(attempt).rejects.toThrow(UnknownFeature);
  });

  it("complete an argument where it can be completed", async () => {
    expect(await calls.completeArgument("built-in", "who", "ali", SCOPES, callFor)).toEqual([
      "ali!",
    ]);
    expect(await calls.completeArgument("built-in", "plain", "ali", SCOPES, callFor)).toEqual([]);
  });

  it("tell the person of an outage without its details", async () => {
    render.mockRejectedValueOnce(new StorageUnavailable(SECRET));
    const attempt = calls.renderPrompt("built-in", { who: "x" }, SCOPES, callFor);
    await expect(attempt).rejects.toThrow("The server cannot reach its storage right now.");
  });
});
