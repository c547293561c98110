import type { TokenCredential } from "@azure/identity";
import {
  ApplicationInsightsSampler,
  AzureMonitorLogExporter,
  AzureMonitorMetricExporter,
  AzureMonitorTraceExporter,
} from "@azure/monitor-opentelemetry-exporter";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, ParentBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { OpenTelemetry } from "./open-telemetry.ts";
import type { Telemetry } from "./telemetry.ts";

const silent = () => undefined;

export interface AzureMonitorOptions {
  readonly connectionString: string;
  /** Who we are to it; the key in the connection string where it is left out. */
  readonly credential: TokenCredential | undefined;
  /** Of all traces that begin here, the part that is kept. */
  readonly samplingRatio: number;
  readonly service: { readonly name: string; readonly version: string; readonly instance: string };
  /** Hears of what could not be sent. */
  readonly report: (trouble: string) => void;
}

/**
 * Application Insights, by its own exporter. This is a bundle of its own (`dist/telemetry.js`), which is loaded
 * only where there is an Application Insights to send to.
 */
export function azureMonitor(options: AzureMonitorOptions): Telemetry {
  const { connectionString, credential, service } = options;
  const exporting = {
    connectionString,
    ...(credential !== undefined && { credential }),
    // What cannot be sent is lost, and not kept in a temporary folder for whoever finds it.
    disableOfflineStorage: true,
  };
  const resource = resourceFromAttributes({
    "service.name": service.name,
    "service.version": service.version,
    "service.instance.id": service.instance,
  });
  // A parent that is not kept is followed. One that is kept is no order to keep more: anybody can send its flag.
  const sampler = new ApplicationInsightsSampler(options.samplingRatio);
  const telemetry = new OpenTelemetry({
    tracers: new TracerProvider({
      resource,
      sampler: new ParentBasedSampler({
        root: sampler,
        remoteParentSampled: sampler,
        localParentSampled: sampler,
      }),
      spanProcessors: [
        new BatchSpanProcessor({ exporter: new AzureMonitorTraceExporter(exporting) }),
      ],
    }),
    meters: new MeterProvider({
      resource,
      readers: [
        new PeriodicExportingMetricReader({ exporter: new AzureMonitorMetricExporter(exporting) }),
      ],
    }),
    loggers: new LoggerProvider({
      resource,
      processors: [
        new BatchLogRecordProcessor({ exporter: new AzureMonitorLogExporter(exporting) }),
      ],
    }),
  });
  const report = (...words: unknown[]) => options.report(words.map(String).join(" "));
  const logger = { error: report, warn: report, info: silent, debug: silent, verbose: silent };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return telemetry;
}
