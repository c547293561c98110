import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from "@opentelemetry/sdk-logs";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { OpenTelemetry } from "../../shared/telemetry/open-telemetry.ts";
import { recorder } from "./redaction/recorder.ts";

/** The parts of a span that would be sent. */
const sent = ({ name, attributes, events, links, status }: ReadableSpan) =>
  JSON.stringify({ name, attributes, events, links, status });

/** Has each span searched for secrets when the file has come to its end; the log is anyway. */
const searched: SpanProcessor = {
  onStart: () => undefined,
  onEnd: (span) => recorder.line(sent(span)),
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};

/** A measurement: its metric, what it was taken of, and its value. */
export interface Measured {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

/** OpenTelemetry as the server has it, whose exporters keep in memory what others would send. */
export class RecordingTelemetry extends OpenTelemetry {
  readonly #spans: InMemorySpanExporter;
  readonly #logs: InMemoryLogRecordExporter;
  readonly #metrics: InMemoryMetricExporter;

  constructor() {
    const spans = new InMemorySpanExporter();
    const logs = new InMemoryLogRecordExporter();
    const metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const readers = [new PeriodicExportingMetricReader({ exporter: metrics })];
    super({
      tracers: new TracerProvider({
        spanProcessors: [new SimpleSpanProcessor({ exporter: spans }), searched],
      }),
      meters: new MeterProvider({ readers }),
      loggers: new LoggerProvider({
        processors: [new SimpleLogRecordProcessor({ exporter: logs })],
      }),
    });
    this.#spans = spans;
    this.#logs = logs;
    this.#metrics = metrics;
  }

  /** The spans that have ended, in that order. */
  get spans(): readonly ReadableSpan[] {
    return this.#spans.getFinishedSpans();
  }

  /** @returns The spans of one name. */
  named(name: string): readonly ReadableSpan[] {
    return this.spans.filter((span) => span.name === name);
  }

  /** The log, and the trace that each line belongs to. */
  get lines(): { body: unknown; traceId: string | undefined }[] {
    return this.#logs
      .getFinishedLogRecords()
      .map(({ body, spanContext }) => ({ body, traceId: spanContext?.traceId }));
  }

  async measured(): Promise<Measured[]> {
    this.#metrics.reset();
    await this.flush();
    return this.#metrics
      .getMetrics()
      .flatMap(({ scopeMetrics }) =>
        scopeMetrics
          .flatMap(({ metrics }) => metrics)
          .flatMap(({ descriptor: { name }, dataPoints }) =>
            dataPoints.map(({ attributes, value }) => ({ name, attributes, value })),
          ),
      );
  }

  /** Everything that would have been sent, in one text. */
  async everything(): Promise<string> {
    const lines = this.lines.map(({ body }) => String(body));
    return [...this.spans.map(sent), ...lines, JSON.stringify(await this.measured())].join("\n");
  }

  /** Forgets what there was. */
  reset(): void {
    this.#spans.reset();
    this.#logs.reset();
  }
}
