import { type App, createApp } from "../../shared/app.ts";
import { loadConfig } from "../../shared/config.ts";
import type { Features } from "../../shared/features/feature.ts";
import type { KeyWrapper } from "../../shared/keys/key-wrapper.ts";
import { LocalKeyWrapper } from "../../shared/keys/local-key-wrapper.ts";
import type { Log } from "../../shared/log.ts";
import type { DocumentFetch } from "../../shared/oauth/clients/document-fetch.ts";
import { systemRandom } from "../../shared/random.ts";
import type { Redis } from "../../shared/redis/redis.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import type { Store } from "../../shared/storage/store.ts";
import { noTelemetry, type Telemetry } from "../../shared/telemetry/telemetry.ts";
import { planLocalStack, SAMPLE } from "../../tools/stack/local-settings.ts";
import { ROOT } from "../../tools/stack/command-line.ts";
import { FakeDocuments } from "./fake-documents.ts";
import { recordedLog } from "./recorded-log.ts";
import { recorder } from "./redaction/recorder.ts";
import { LOCAL_ADDRESS, QUICK_READER } from "./request-context.ts";
import { TestClock } from "./test-clock.ts";
import type { Fetch } from "./user-agent.ts";
import { handlerName } from "./handler-name.ts";

export const BASE_URL = "http://localhost:7071";

export interface TestApp {
  readonly app: App;
  readonly baseUrl: string;
  readonly clock: TestClock;
  readonly store: Store;
  /** Every line that was logged. */
  readonly log: readonly string[];
  /** What writes them. */
  readonly recording: Log;
  /** Answers for the app's own URLs by calling its handlers, and goes to the network for all others. */
  readonly fetch: Fetch;
}

export interface TestAppOptions {
  /** Where Entra is: a stand-in that the test has started. Without it, every call to Entra fails. */
  readonly entraUrl?: string;
  readonly env?: Record<string, string>;
  readonly store?: Store;
  readonly clock?: TestClock;
  readonly keyWrapper?: KeyWrapper;
  readonly redis?: Redis;
  /** What watches it; what is logged goes there as well. */
  readonly telemetry?: Telemetry;
  /** What it offers in place of the product's own features. */
  readonly features?: Features;
  /** Serve as this public origin: `__Host-` cookies, no loopback. Entra's stand-in will not redirect there. */
  readonly publicUrl?: string;
  /** The documents of clients; without it there are none. */
  readonly fetchDocument?: DocumentFetch;
}

/** The app without a host: real handlers, MSAL and all, on an in-memory store and a clock that tests move. */
export function createTestApp(options: TestAppOptions = {}): TestApp {
  const entraUrl = options.entraUrl ?? "http://localhost:9";
  const { values } = planLocalStack(ROOT, {}, {}, SAMPLE);
  const env: Record<string, string> = {
    ...values,
    PUBLIC_BASE_URL: BASE_URL,
    ENTRA_AUTHORITY_URL: entraUrl,
    GRAPH_BASE_URL: entraUrl,
    ...options.env,
  };
  const settings = loadConfig(env);
  const config =
    options.publicUrl === undefined
      ? settings
      : { ...settings, baseUrl: options.publicUrl, loopback: false };
  const clock = options.clock ?? new TestClock();
  const store = options.store ?? new MemoryStore();
  const { telemetry = noTelemetry } = options;
  const { log: recording, lines: log } = recordedLog(telemetry);
  recorder.settings(env);
  recorder.installation(store, options.keyWrapper ?? new LocalKeyWrapper(env["LOCAL_KEY"] ?? ""));
  const app = createApp(config, {
    store,
    clock,
    random: systemRandom,
    log: recording,
    telemetry,
    fetchDocument: options.fetchDocument ?? new FakeDocuments().fetch,
    ...(options.features !== undefined && { features: options.features }),
    ...(options.keyWrapper !== undefined && { keyWrapper: options.keyWrapper }),
    ...(options.redis !== undefined && { redis: options.redis }),
  });
  return {
    app,
    baseUrl: config.baseUrl,
    clock,
    store,
    log,
    recording,
    fetch: (url, init) => route(app, recording, url, init),
  };
}

let requests = 0;

async function route(
  app: App,
  log: Log,
  url: string | URL,
  init: RequestInit = {},
): Promise<Response> {
  const target = new URL(url);
  if (target.origin !== app.config.baseUrl) return fetch(url, init);
  const handler = app.handlers[handlerName(target.pathname)];
  const disconnected = init.signal ?? new AbortController().signal;
  const { signal: _, ...rest } = init;
  const request = new Request(target, rest);
  const address = request.headers.get(app.config.clientAddressHeader ?? "") ?? LOCAL_ADDRESS;
  const context = { requestId: `r${++requests}`, log, disconnected, address, ...QUICK_READER };
  const response = await handler(request, context);
  recorder.exchange(rest, response);
  return response;
}
