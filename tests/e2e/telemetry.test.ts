import { auth } from "@modelcontextprotocol/sdk/client/auth.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCOUNTS } from "../../tools/entra/directory.ts";
import { freePort } from "../../tools/stack/ports.ts";
import {
  type Envelope,
  type LocalIngestion,
  startLocalIngestion,
} from "../support/local-ingestion.ts";
import { type RoundRobinProxy, startRoundRobinProxy } from "../support/round-robin-proxy.ts";
import { recorder } from "../support/redaction/recorder.ts";
import { connectAs } from "../support/sdk-client.ts";
import { type SecretlessStack, startSecretlessStack } from "../support/secretless-stack.ts";

let ingestion: LocalIngestion;
let proxy: RoundRobinProxy;
let stack: SecretlessStack;

// The built server as it runs in Azure, on two instances: the real exporter, over https, with a token of its identity.
beforeAll(async () => {
  ingestion = await startLocalIngestion();
  const port = await freePort();
  stack = await startSecretlessStack({
    instances: 2,
    publicBaseUrl: `http://localhost:${port}`,
    env: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: ingestion.connectionString,
      APPLICATION_INSIGHTS_NO_STATSBEAT: "true",
      WEBSITE_SITE_NAME: "func-test",
      // The exporter would ask Microsoft for switches of its own.
      HTTPS_PROXY: "http://127.0.0.1:9",
      NO_PROXY: "127.0.0.1,localhost",
    },
  });
  proxy = await startRoundRobinProxy(() => stack.host.instances.map(({ url }) => url), { port });
  await useTheServer();
  await stack.host.stop();
}, 90_000);
afterAll(async () => {
  await proxy.stop();
  await stack.stop();
  await ingestion.stop();
});

/** Sign-in, calls on whatever instance, a refresh, an hour's maintenance. */
async function useTheServer(): Promise<void> {
  const { client, close, provider } = await connectAs(stack.baseUrl, "alice");
  for (let n = 0; n < 4; n++) await client.callTool({ name: "getUserDetails" });
  await client.callTool({ name: "updateSettings", arguments: { timeZone: "Europe/Berlin" } });
  await close();
  expect(await auth(provider, { serverUrl: new URL("/sse", stack.baseUrl) })).toBe("AUTHORIZED");
  await stack.host.runTimer("maintenance");
}

const named = (name: string): Envelope[] =>
  ingestion.envelopes.filter(({ data }) => data.baseData.name === name);
const traceOf = ({ tags }: Envelope) => tags["ai.operation.id"];
const parentOf = ({ tags }: Envelope) => tags["ai.operation.parentId"];
const instanceOf = ({ tags }: Envelope) => tags["ai.cloud.roleInstance"];

/** The lines of the log that were sent. */
const lines = (): { line: string; trace: string | undefined }[] =>
  ingestion.envelopes
    .filter(({ data }) => data.baseType === "MessageData")
    .map((sent) => ({ line: sent.data.baseData.message ?? "", trace: traceOf(sent) }));

const metric = (name: string): Envelope[] =>
  ingestion.envelopes.filter(({ data }) => data.baseData.metrics?.[0]?.name === name);

describe("what Application Insights is sent", () => {
  it("comes with a token of the managed identity, and from the app by its name", () => {
    const tokens = stack.entra.issued().map(({ value }) => `Bearer ${value}`);
    expect(ingestion.authorizations.length).toBeGreaterThan(2);
    for (const sent of ingestion.authorizations) expect(tokens).toContain(sent);
    expect(new Set(ingestion.envelopes.map(({ tags }) => tags["ai.cloud.role"]))).toEqual(
      new Set(["func-test"]),
    );
  });

  it("has a call from request to Graph as one trace, also over two instances", () => {
    const relayed = named("relay receive").flatMap((received) => {
      const sent = named("relay send").find((other) => traceOf(other) === traceOf(received));
      return sent === undefined ? [] : [{ sent, received }];
    });
    expect(relayed.length).toBeGreaterThan(0);
    for (const { sent, received } of relayed) {
      expect(parentOf(received)).toBe(sent.data.baseData.id);
      expect(instanceOf(received)).not.toBe(instanceOf(sent));
    }
    const traces = new Set(relayed.map(({ received }) => traceOf(received)));
    const wholes = [...traces].filter((trace) =>
      ["POST /message", "tools/call getUserDetails", "entra graphToken", "GET /v1.0/me"].every(
        (name) => named(name).some((span) => traceOf(span) === trace),
      ),
    );
    expect(wholes.length).toBeGreaterThan(0);
  });

  it("continues the trace that the host has begun for the request", () => {
    const requests = named("POST /message");
    expect(requests.length).toBeGreaterThan(4);
    // The host's own span is the host's to send.
    const sent = new Set(ingestion.envelopes.map(({ data }) => data.baseData.id));
    for (const request of requests) {
      expect(parentOf(request)).toMatch(/^[\da-f]{16}$/);
      expect(sent.has(parentOf(request))).toBe(false);
    }
  });

  it("has each line of the log once, with its trace, those of the timer too", () => {
    const called = lines().filter(({ line }) => line.includes('"audit":"tool-called"'));
    expect(called).toHaveLength(5);
    for (const { trace } of called) {
      const tools = ingestion.envelopes.filter(({ data }) =>
        data.baseData.name?.startsWith("tools/call"),
      );
      expect(tools.map(traceOf)).toContain(trace);
    }
    expect(lines().filter(({ line }) => line.includes('"audit":"sign-in"'))).toHaveLength(1);
    const swept = lines().filter(({ line }) => line.includes('"event":"swept"'));
    expect(swept).toHaveLength(1);
    expect(swept[0]?.trace).toMatch(/^[\da-f]{32}$/);
  });

  it("has the metrics, though the server had to go before they were due", () => {
    const total = (name: string) =>
      metric(name)
        .flatMap(({ data }) => data.baseData.metrics ?? [])
        .reduce((sum, { value }) => sum + value, 0);
    expect(total("mcp.sign_ins")).toBe(1);
    expect(total("mcp.refreshes")).toBe(1);
    expect(total("mcp.tool_calls")).toBe(5);
    const { properties } = metric("mcp.tool_calls")[0]?.data.baseData ?? {};
    expect(properties?.["outcome"]).toBe("success");
    expect(properties?.["tool"]).toMatch(/^(getUserDetails|updateSettings)$/);
    expect(metric("mcp.streams.open").length).toBeGreaterThan(0);
    const lag = metric("mcp.relay.lag").flatMap(({ data }) => data.baseData.metrics ?? []);
    expect(lag.length).toBeGreaterThan(0);
    for (const { value, count = 0 } of lag) expect(value / count).toBeLessThan(5_000);
  });

  it("is searched for the secrets of the run, of which there are many kinds", () => {
    // That none is in it says the search at the end of the file.
    const counts = recorder.secrets.counts();
    for (const kind of ["access_token", "refresh_token", "code", "state", "LOCAL_KEY", "name"]) {
      expect(counts[kind]).toBeGreaterThan(0);
    }
    expect(ingestion.bodies.length).toBeGreaterThan(2);
    for (const body of ingestion.bodies) expect(recorder.lines.includes(body)).toBe(true);
  });

  it("holds nothing that the directory knows of the person", () => {
    const sent = ingestion.bodies.join("\n").toLowerCase();
    const { displayName, mail, jobTitle, id } = ACCOUNTS.alice.profile;
    const known = [displayName, mail, "alice", jobTitle, id, "Test client", "Europe/Berlin"];
    expect(known.filter((word) => sent.includes(word.toLowerCase()))).toEqual([]);
  });
});
