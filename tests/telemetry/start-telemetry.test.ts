import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { loadConfig } from "../../shared/config.ts";
import { startTelemetry } from "../../shared/telemetry/start-telemetry.ts";
import { noTelemetry } from "../../shared/telemetry/telemetry.ts";
import { planLocalStack, SAMPLE } from "../../tools/stack/local-settings.ts";
import { ROOT } from "../../tools/stack/command-line.ts";
import { type LocalIngestion, startLocalIngestion } from "../support/local-ingestion.ts";
import { recordedLog } from "../support/recorded-log.ts";
import { TestClock } from "../support/test-clock.ts";

let ingestion: LocalIngestion;
beforeEach(async () => {
  ingestion = await startLocalIngestion();
  vi.stubEnv("APPLICATION_INSIGHTS_NO_STATSBEAT", "true");
});
afterEach(() => ingestion.stop());

const config = (env: Record<string, string> = {}) =>
  loadConfig({ ...planLocalStack(ROOT, {}, {}, SAMPLE).values, ...env });

it("is nothing where the settings name no Application Insights", async () => {
  const { log } = recordedLog();
  expect(await startTelemetry(config(), { clock: new TestClock(), log })).toBe(noTelemetry);
});

it("says once a minute that nothing can be sent, and keeps nobody waiting", async () => {
  const clock = new TestClock();
  const { log, lines } = recordedLog();
  const settings = { APPLICATIONINSIGHTS_CONNECTION_STRING: ingestion.connectionString };
  // Its certificate is trusted by nobody here.
  const telemetry = await startTelemetry(config(settings), { clock, log });
  const send = async () => {
    telemetry.log("info", "a line");
    expect(await telemetry.span({ name: "work" }, async () => "done")).toBe("done");
    await telemetry.flush();
  };
  await send();
  await expect.poll(() => lines.length).toBe(1);
  await send();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("telemetry-not-sent");
  clock.advance({ seconds: 60 });
  await send();
  await expect.poll(() => lines.length).toBe(2);
  expect(ingestion.envelopes).toEqual([]);
});

const PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

it.each([
  ["1", "sampled", `${PARENT}-01`, true],
  ["1", "not sampled", `${PARENT}-00`, false],
  ["1", "none", undefined, true],
  // Whoever calls may send this flag: it is no order to keep more.
  ["0", "sampled", `${PARENT}-01`, false],
  ["0", "none", undefined, false],
])(
  "keeps or leaves out a trace as a whole: ratio %s, parent %s",
  async (ratio, _what, parent, kept) => {
    const { log } = recordedLog();
    const settings = {
      APPLICATIONINSIGHTS_CONNECTION_STRING: ingestion.connectionString,
      OTEL_TRACES_SAMPLER_ARG: ratio,
    };
    const telemetry = await startTelemetry(config(settings), { clock: new TestClock(), log });
    const traces: (string | undefined)[] = [];
    await telemetry.within(parent, () =>
      telemetry.span({ name: "request" }, async () => {
        traces.push(telemetry.traceparent());
        // What happens inside is kept or left out with it: traces are whole.
        await telemetry.span({ name: "step" }, async () => traces.push(telemetry.traceparent()));
      }),
    );
    expect(traces).toHaveLength(2);
    for (const trace of traces) expect(trace?.endsWith(kept ? "-01" : "-00")).toBe(true);
  },
);
