import type { LogLevel } from "../log.ts";
import type { Counter, Gauge, Histogram } from "./metrics.ts";

/**
 * What is said of a span or a count. Of few values, and never a secret, a name, a mail address, a query or a
 * header: more people read what a backend keeps than may read our tables.
 */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** What is done, in words that are the same from call to call. */
  readonly name: string;
  /** Who does it: this server (the default), another one that it calls, or one that it leaves a message to. */
  readonly kind?: "internal" | "client" | "producer";
  readonly attributes?: Attributes;
  /** The span elsewhere that this one continues, as a W3C `traceparent`; without it, the active one. */
  readonly parent?: string | undefined;
  /** A span elsewhere that this one points at, as a W3C `traceparent`. What is not one is ignored. */
  readonly link?: unknown;
}

export interface Span {
  set(attributes: Attributes): void;
  /** @param reason A class of error or a code, never a message: those of libraries have addresses and names in them. */
  fail(reason: string): void;
}

/** A span that its owner ends. */
export interface OpenSpan extends Span {
  end(): void;
}

/**
 * The seam to what watches the server: spans, metrics and the log, on their way to a backend. The adapter is
 * `open-telemetry.ts`; where nothing watches there is {@link noTelemetry}, and every call costs as much as
 * calling an empty function.
 */
export interface Telemetry {
  /** Whether anything is sent anywhere. */
  readonly on: boolean;
  /** Runs `work` inside a span. It is active meanwhile: what `work` does belongs to it. An error fails it. */
  span<T>(options: SpanOptions, work: (span: Span) => Promise<T>): Promise<T>;
  /** Begins a span that never is active, and only where there is an active one that goes on. */
  child(options: SpanOptions): OpenSpan;
  /** @returns The active span as another instance can continue it: a W3C `traceparent`. */
  traceparent(): string | undefined;
  /** Runs `work` as part of a trace that began elsewhere. */
  within<T>(traceparent: string | undefined, work: () => T): T;
  count(counter: Counter, attributes: Attributes): void;
  record(histogram: Histogram, value: number): void;
  /** @param read Called whenever the metrics are collected. */
  observe(gauge: Gauge, read: () => number): void;
  log(level: LogLevel, line: string): void;
  /** Sends what there is, within two seconds. It throws nothing. */
  flush(): Promise<void>;
}

/** What is done to it is done to nothing. */
export const noSpan: OpenSpan = {
  set: () => undefined,
  fail: () => undefined,
  end: () => undefined,
};

/** Nobody watches. */
export const noTelemetry: Telemetry = {
  on: false,
  span: (_options, work) => work(noSpan),
  child: () => noSpan,
  traceparent: () => undefined,
  within: (_traceparent, work) => work(),
  count: () => undefined,
  record: () => undefined,
  observe: () => undefined,
  log: () => undefined,
  flush: async () => undefined,
};

/** @returns What an error is to a span. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
