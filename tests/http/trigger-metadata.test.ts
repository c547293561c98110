import { get } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type CoreInvocation,
  type ProgrammingModel,
  withoutTriggerMetadata,
} from "../../shared/http/trigger-metadata.ts";
import { type LocalServer, startLocalServer } from "../support/local-server.ts";

const HTTP: CoreInvocation["metadata"] = { bindings: { trigger: { type: "httpTrigger" } } };

let server: LocalServer;
beforeEach(async () => {
  server = await startLocalServer((_, response) => response.end());
});
afterEach(() => server.stop());

/** A model that shows what it was given. */
const model: ProgrammingModel = {
  name: "model",
  version: "1.2.3",
  getCapabilities: (capabilities) => ({ ...capabilities, HttpUri: "http://localhost:1" }),
  getInvocationModel: ({ request }) => ({
    getArguments: () => request.triggerMetadata,
    invokeFunction: (context, inputs) => [context, inputs],
    getResponse: (context, result) => [context, result],
  }),
};

/** Sends a request as the host forwards it, and runs its invocation. */
async function run(triggerMetadata: CoreInvocation["request"]["triggerMetadata"], metadata = HTTP) {
  const headers = {
    "x-ms-invocation-id": "one",
    "x-forwarded-host": "mcp.example.com",
    cookie: "a=1",
  };
  await new Promise((resolve, reject) => {
    get(server.url, { headers, agent: false }, (answer) => answer.resume().on("end", resolve)).on(
      "error",
      reject,
    );
  });
  const told: string[] = [];
  const core = {
    invocationId: "one",
    request: { triggerMetadata: triggerMetadata ?? null },
    metadata,
    log: () => undefined,
  };
  const wrapped = withoutTriggerMetadata(model, ({ invocationId }) => told.push(invocationId));
  const invocation = wrapped.getInvocationModel(core);
  const seen = await invocation.getArguments();
  const result = await invocation.invokeFunction("context", ["input"], undefined);
  return { seen, told, result };
}

const own = { json: JSON.stringify({ Host: "mcp.example.com", Cookie: "a=1", Accept: "*/*" }) };

describe("the library", () => {
  it("is given no metadata of an HTTP request, and all else as it is", async () => {
    const { seen, result, told } = await run({ Headers: own, state: { string: "x" } });
    expect([seen, result, told]).toEqual([{}, ["context", ["input"]], []]);
  });

  it("is given the metadata of other triggers", async () => {
    const timer = { bindings: { timer: { type: "timerTrigger" } } };
    const metadata = { TimerTrigger: { json: "{}" } };
    expect((await run(metadata, timer)).seen).toEqual(metadata);
  });

  it("keeps its name and what it can do", async () => {
    const wrapped = withoutTriggerMetadata(model, () => undefined);
    expect([wrapped.name, wrapped.version]).toEqual(["model", "1.2.3"]);
    expect(await wrapped.getCapabilities?.({ a: "1" })).toEqual({
      a: "1",
      HttpUri: "http://localhost:1",
    });
  });
});

describe("headers in the metadata that did not come over the wire", () => {
  it.each([
    ["a parameter", { Headers: { string: "x" } }],
    ["in other letters", { headers: own }],
    ["no JSON", { Headers: { json: "{" } }],
    ["another cookie", { Headers: { json: '{"Host":"mcp.example.com","Cookie":"a=2"}' } }],
    ["no cookie", { Headers: { json: '{"Host":"mcp.example.com"}' } }],
    ["none", { Headers: { json: "{}" } }],
  ])("are told of: %s", async (_what, metadata) => {
    expect((await run(metadata)).told).toEqual(["one"]);
  });

  it.each([[{ Headers: own }], [{}], [null]])("are not seen in %j", async (metadata) => {
    expect((await run(metadata)).told).toEqual([]);
  });
});
