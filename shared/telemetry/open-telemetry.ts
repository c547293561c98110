import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout } from "node:timers/promises";
import {
  type Context,
  type Counter as ApiCounter,
  type Histogram as ApiHistogram,
  type Meter,
  ROOT_CONTEXT,
  type Span as ApiSpan,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";
import { type Logger, SeverityNumber } from "@opentelemetry/api-logs";
import type { LoggerProvider } from "@opentelemetry/sdk-logs";
import type { MeterProvider } from "@opentelemetry/sdk-metrics";
import type { TracerProvider } from "@opentelemetry/sdk-trace";
import type { LogLevel } from "../log.ts";
import { type Counter, type Gauge, type Histogram, METRICS } from "./metrics.ts";
import {
  type Attributes,
  noSpan,
  type OpenSpan,
  reasonOf,
  type Span,
  type SpanOptions,
  type Telemetry,
} from "./telemetry.ts";
import { formatTraceParent, parseTraceParent } from "./trace-parent.ts";

/** The instrumentation scope of everything that the server writes. */
const SCOPE = "entra-mcp-functions";

/** The host gives five seconds at the end, and there is more to do. */
const FLUSH_MS = 2_000;

const KINDS = {
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
};

const SEVERITIES: Readonly<Record<LogLevel, SeverityNumber>> = {
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

/** What OpenTelemetry's SDK is made of; where it sends things is up to their exporters. */
export interface Providers {
  readonly tracers: TracerProvider;
  readonly meters: MeterProvider;
  readonly loggers: LoggerProvider;
}

/** OpenTelemetry, by hand: a bundle has no modules left that its auto-instrumentation could find. */
export class OpenTelemetry implements Telemetry {
  readonly on = true;
  readonly #providers: Providers;
  readonly #tracer: Tracer;
  readonly #meter: Meter;
  readonly #logger: Logger;
  readonly #counters = new Map<Counter, ApiCounter>();
  readonly #histograms = new Map<Histogram, ApiHistogram>();
  /** Of its own, not the library's global one: whatever else is in the bundle traces nothing through it. */
  readonly #active = new AsyncLocalStorage<Context>();

  constructor(providers: Providers) {
    this.#providers = providers;
    this.#tracer = providers.tracers.getTracer(SCOPE);
    this.#meter = providers.meters.getMeter(SCOPE);
    this.#logger = providers.loggers.getLogger(SCOPE);
  }

  async span<T>(options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
    const context = this.#contextOf(options);
    const span = this.#start(options, context);
    try {
      return await this.#active.run(trace.setSpan(context, span), () => work(wrap(span)));
    } catch (error) {
      fail(span, reasonOf(error));
      throw error;
    } finally {
      span.end();
    }
  }

  child(options: SpanOptions): OpenSpan {
    const context = this.#context();
    // What is not recorded any more has ended: a loop that a request has started, say.
    if (trace.getSpan(context)?.isRecording() !== true) return noSpan;
    return wrap(this.#start(options, context));
  }

  traceparent(): string | undefined {
    const span = trace.getSpanContext(this.#context());
    if (span === undefined) return undefined;
    const { traceId, spanId, traceFlags } = span;
    const sampled = (traceFlags & TraceFlags.SAMPLED) !== 0;
    return formatTraceParent({ traceId, spanId, sampled });
  }

  within<T>(traceparent: string | undefined, work: () => T): T {
    return this.#active.run(this.#contextOf({ parent: traceparent }), work);
  }

  count(name: Counter, attributes: Attributes): void {
    const counter = this.#counters.get(name) ?? this.#meter.createCounter(name, METRICS[name]);
    this.#counters.set(name, counter);
    counter.add(1, attributes);
  }

  record(name: Histogram, value: number): void {
    const histogram =
      this.#histograms.get(name) ?? this.#meter.createHistogram(name, METRICS[name]);
    this.#histograms.set(name, histogram);
    histogram.record(value);
  }

  observe(gauge: Gauge, read: () => number): void {
    const observable = this.#meter.createObservableGauge(gauge, METRICS[gauge]);
    observable.addCallback((result) => result.observe(read()));
  }

  log(level: LogLevel, line: string): void {
    this.#logger.emit({
      severityNumber: SEVERITIES[level],
      severityText: level,
      body: line,
      context: this.#context(),
    });
  }

  async flush(): Promise<void> {
    const { tracers, meters, loggers } = this.#providers;
    const all = [tracers.forceFlush(), meters.forceFlush(), loggers.forceFlush()];
    await Promise.race([Promise.allSettled(all), setTimeout(FLUSH_MS, undefined, { ref: false })]);
  }

  #context(): Context {
    return this.#active.getStore() ?? ROOT_CONTEXT;
  }

  #contextOf({ parent }: Pick<SpanOptions, "parent">): Context {
    const remote = toSpanContext(parent);
    return remote === undefined ? this.#context() : trace.setSpanContext(ROOT_CONTEXT, remote);
  }

  #start({ name, kind = "internal", attributes = {}, link }: SpanOptions, context: Context) {
    const linked = toSpanContext(link);
    const links = linked === undefined ? [] : [{ context: linked }];
    return this.#tracer.startSpan(name, { kind: KINDS[kind], attributes, links }, context);
  }
}

function toSpanContext(traceparent: unknown): SpanContext | undefined {
  const parsed = parseTraceParent(traceparent);
  if (parsed === undefined) return undefined;
  const { traceId, spanId, sampled } = parsed;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return { traceId, spanId, traceFlags, isRemote: true };
}

function wrap(span: ApiSpan): OpenSpan {
  return {
    set: (attributes) => void span.setAttributes(attributes),
    fail: (reason) => fail(span, reason),
    end: () => span.end(),
  };
}

function fail(span: ApiSpan, reason: string): void {
  // `error.type` would be the name of it, but Azure's exporter keeps that to itself.
  span.setAttribute("outcome", reason);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
