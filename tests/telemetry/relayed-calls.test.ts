import { beforeEach, expect, it } from "vitest";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { RecordingTelemetry } from "../support/recording-telemetry.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { TestClock } from "../support/test-clock.ts";

const facade = useFacade();

interface Instance extends TestApp {
  readonly telemetry: RecordingTelemetry;
}

/** Two instances of the server, each with a clock and a telemetry of its own. */
let here: Instance;
let there: Instance;
let token: string;

beforeEach(async () => {
  const store = new MemoryStore();
  const now = Date.now();
  here = instance(store, now);
  there = instance(store, now);
  const client = await new OAuthTestClient(here.baseUrl, here.fetch).register();
  token = (await client.tokens("alice")).access_token;
});

function instance(store: MemoryStore, now: number): Instance {
  const telemetry = new RecordingTelemetry();
  const app = createTestApp({
    entraUrl: facade.entra.url,
    store,
    telemetry,
    clock: new TestClock(now),
  });
  return { ...app, telemetry };
}

function span({ telemetry }: Instance, name: string) {
  const [found] = telemetry.named(name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

const message = {
  jsonrpc: "2.0" as const,
  id: "call",
  method: "tools/call",
  params: { name: "getUserDetails", arguments: {} },
};

it("a relayed call is one trace over two instances", async () => {
  const stream = await EventStream.open(here, token);
  for (const { telemetry } of [here, there]) telemetry.reset();
  expect((await stream.post(message, there)).status).toBe(202);
  expect(await stream.next()).toMatchObject({ id: "call" });

  const chain = [
    span(there, "POST /message"),
    span(there, "relay send"),
    span(here, "relay receive"),
    span(here, "tools/call getUserDetails"),
    span(here, "GET /v1.0/me"),
  ];
  for (const [n, { parentSpanContext }] of chain.entries()) {
    expect(parentSpanContext?.spanId).toBe(chain[n - 1]?.spanContext().spanId);
  }
  expect(new Set(chain.map((one) => one.spanContext().traceId)).size).toBe(1);
  expect(chain[2]?.attributes).toEqual({ "mcp.relay.kind": "message" });
});

it("its way is measured from the sender's clock to the receiver's", async () => {
  const stream = await EventStream.open(here, token);
  here.clock.advance({ seconds: 2 });
  await stream.post(message, there);
  await stream.next();
  const lag = (await here.telemetry.measured()).find(({ name }) => name === "mcp.relay.lag");
  expect(lag?.value).toMatchObject({ count: 1, sum: 2_000 });
});

it("a sender whose clock is ahead makes no negative lag", async () => {
  const stream = await EventStream.open(here, token);
  there.clock.advance({ seconds: 60 });
  await stream.post(message, there);
  await stream.next();
  const lag = (await here.telemetry.measured()).find(({ name }) => name === "mcp.relay.lag");
  expect(lag?.value).toMatchObject({ count: 1, sum: 0 });
});
