import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { features } from "../../shared/features/all.ts";
import { defineTool } from "../../shared/features/feature.ts";
import { startLocalServer } from "../support/local-server.ts";
import { ACCOUNTS, HOME_TENANT } from "../../tools/entra/directory.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { RecordingTelemetry } from "../support/recording-telemetry.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";

const facade = useFacade();
let telemetry: RecordingTelemetry;
let app: TestApp;
let client: OAuthTestClient;
let stream: EventStream;

/** What a fork's tool may do: it asks Graph about somebody by name, and it fails with what it knows. */
const lookUp = defineTool({
  name: "lookUp",
  title: "Look up",
  description: "Reads a colleague.",
  requires: "user.read",
  input: z.object({ who: z.string() }),
  output: z.object({}),
  async run({ who }, { graph }) {
    await graph.get(`/v1.0/users/${who}?$filter=startswith(displayName,'Bob')`, z.object({}));
    return {};
  },
});

beforeEach(() => start());
afterEach(() => stream.drop());

async function start(env: Record<string, string> = {}): Promise<void> {
  telemetry = new RecordingTelemetry();
  const pack = { ...features, tools: [...features.tools, lookUp] };
  app = createTestApp({ entraUrl: facade.entra.url, telemetry, features: pack, env });
  client = await new OAuthTestClient(app.baseUrl, app.fetch).register({
    client_name: "Alice's own app",
  });
}

async function open(): Promise<void> {
  stream = await EventStream.open(app, (await client.tokens("alice")).access_token);
}

/** Everything that the directory knows of people, their clients and their organisation. */
const PERSONAL = [
  ...[ACCOUNTS.alice, ACCOUNTS.bob].flatMap(({ profile }) => [
    profile.displayName,
    profile.mail,
    profile.mail.split("@")[0] ?? "",
    profile.jobTitle,
    profile.officeLocation,
    profile.id,
  ]),
  HOME_TENANT.domain,
  "Alice's own app",
  "startswith",
];

async function expectNothingPersonal(): Promise<void> {
  const sent = (await telemetry.everything()).toLowerCase();
  expect(PERSONAL.filter((known) => sent.includes(known.toLowerCase()))).toEqual([]);
}

describe("what leaves the server has nothing personal in it", () => {
  it("after calls that read a person's profile, settings and calendar", async () => {
    await open();
    await stream.callTool("getUserDetails");
    await stream.callTool("listEvents");
    const savedPrompts = [{ name: "About Bob Sample", text: "Write to bob@contoso.example" }];
    await stream.callTool("updateSettings", { timeZone: "Europe/Berlin", savedPrompts });
    await expectNothingPersonal();
  });

  const who = ACCOUNTS.bob.profile.mail;

  it.each([
    [
      "in Graph's words",
      404,
      `{"error":{"code":"Request_ResourceNotFound","message":"Resource '${who}' does not exist."}}`,
      "Graph 404: Request_ResourceNotFound",
    ],
    ["in a form that is none of Graph's", 500, `Bob Sample <${who}>`, "Graph 500"],
    ["with what is no JSON", 200, `Bob Sample <${who}>`, "is not valid JSON"],
    ["with what was not asked for", 200, `["Bob Sample", "${who}"]`, "expected object"],
  ])("after Graph has answered %s", async (_what, status, body, said) => {
    const graph = await startLocalServer((_request, response) => {
      response.statusCode = status;
      response.end(body);
    });
    await start({ GRAPH_BASE_URL: graph.url });
    await open();
    const answer = await stream.callTool("lookUp", { who });
    await graph.stop();
    expect(answer.isError).toBe(true);
    const sent = await telemetry.everything();
    for (const part of ["GET /v1.0/users", said]) expect(sent.includes(part)).toBe(true);
    await expectNothingPersonal();
  });

  it("after Entra has refused a person by name", async () => {
    facade.entra.set({ accessTokenSeconds: 1 });
    await open();
    // "User account 'someone@contoso.example' does not exist in tenant 'Contoso' …"
    facade.entra.set({ tokenFault: 50020 });
    const answer = await stream.callTool("getUserDetails");
    expect(answer.isError).toBe(true);
    expect((await telemetry.everything()).includes("AADSTS50020")).toBe(true);
    await expectNothingPersonal();
  });

  it("after a client has put somebody's address where a name, a query and a trace belong", async () => {
    await open();
    for (const name of [who, "lookUp"]) {
      const params = { name, arguments: { who }, _meta: { traceparent: who } };
      await stream.post({ jsonrpc: "2.0", id: name, method: "tools/call", params });
      await stream.next();
    }
    await app.fetch(new URL(`/authorize?login_hint=${who}&state=${who}`, app.baseUrl));
    await app.fetch(new URL(`/callback?error=access_denied&error_description=${who}`, app.baseUrl));
    await expectNothingPersonal();
  });
});
