import { beforeAll, describe, expect, it } from "vitest";
import { noTelemetry } from "../../shared/telemetry/telemetry.ts";
import {
  createWorker,
  type HookCallback,
  provideCoreApi,
  type Worker,
} from "../../tools/functions-host/core-api.ts";
import { RecordingTelemetry } from "../support/recording-telemetry.ts";

// The genuine library, on a worker as tools/functions-host has it.
const worker: Worker = createWorker(() => undefined);
const telemetry = new RecordingTelemetry();
let capabilities: () => Promise<Record<string, string> | undefined>;

beforeAll(async () => {
  provideCoreApi(worker);
  const { connectHost } = await import("../../shared/telemetry/functions-hooks.ts");
  // The library introduces itself with an app's first function.
  const { app } = await import("@azure/functions");
  app.get("any", () => ({}));
  connectHost(noTelemetry);
  expect([worker.hooks.log, worker.hooks.preInvocation]).toEqual([[], []]);
  connectHost(telemetry);
  capabilities = async () => worker.programmingModel?.getCapabilities?.({});
});

describe("a server that sends its telemetry itself", () => {
  it("tells the host, so that no line is sent twice", async () => {
    expect(await capabilities()).toEqual({ WorkerOpenTelemetryEnabled: "true" });
  });

  it("sends what is logged, and what goes wrong in the worker, but none of the worker's chatter", () => {
    worker.log({ level: "information", category: "user", message: "a line of ours" });
    worker.log({ level: "information", category: "system", message: "chatter" });
    worker.log({ level: "warning", category: "system", message: "a call that came too late" });
    expect(telemetry.lines.map(({ body }) => body)).toEqual([
      "a line of ours",
      "a call that came too late",
    ]);
  });

  it("goes on in the trace that the host has begun, with the log of the call in it", async () => {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const context = {
      hookData: {},
      invocationContext: { traceContext: { traceParent: `00-${trace}-b7ad6b7169203331-01` } },
      inputs: [],
      functionCallback: async (what: string) => {
        worker.log({ level: "information", category: "user", message: what });
        return telemetry.span({ name: "request" }, async () => what.length);
      },
    };
    const [hook] = worker.hooks.preInvocation;
    await (hook satisfies HookCallback | undefined)?.(context);
    expect(await context.functionCallback("called")).toBe(6);
    expect(telemetry.lines.at(-1)).toEqual({ body: "called", traceId: trace });
    expect(telemetry.named("request")[0]?.parentSpanContext?.traceId).toBe(trace);
  });
});
