import type { Adapters } from "./adapters.ts";
import { systemClock } from "./clock.ts";
import { type Config, loadConfig } from "./config.ts";
import { consoleLog, jsonLog, type Log } from "./log.ts";
import { STREAM_CHECK_INTERVAL_MS } from "./mcp/stream-check.ts";
import { systemRandom } from "./random.ts";
import { TableStore } from "./storage/table-store.ts";
import { tableAccess } from "./storage/table-access.ts";
import { createHandlers, type Handlers } from "./handlers.ts";
import { createParts } from "./parts.ts";
import { startTelemetry } from "./telemetry/start-telemetry.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** How long the lease may take to be given up: an outage must not keep streams from ending as they should. */
const RELEASE_MS = 1_500;

/** How long responses get to end after their streams have. */
const ENDING_MS = 100;

/** The server: a handler for each route, what it does by itself, and the way to end it. */
export interface App {
  readonly config: Config;
  readonly handlers: Handlers;
  readonly telemetry: Telemetry;
  /** What is due every five minutes. Several instances may do it at once. */
  maintain(log: Log): Promise<void>;
  /** Ends the streams of sessions that have ended elsewhere. Every instance does so by itself as well. */
  checkStreams(): Promise<void>;
  /** Ends the streams and sends what telemetry there is, when the instance is about to go. */
  close(): Promise<void>;
}

/** Puts the server together: config and adapters in, handlers out. */
export function createApp(config: Config, adapters: Adapters): App {
  const parts = createParts(config, adapters);
  const { connections, redis, rotation, statelessMcp, station, streamCheck, sweep, watchCare } =
    parts;
  const { telemetry } = parts;
  telemetry.observe("mcp.streams.open", () => connections.streams);
  const checking = setInterval(() => void streamCheck.run(), STREAM_CHECK_INTERVAL_MS);
  checking.unref();
  return {
    config,
    telemetry,
    handlers: createHandlers(parts),
    async maintain(log) {
      // None waits for another: a sweep that fails must not keep keys from being rotated.
      const done = await Promise.allSettled([
        sweep.run().then((removed) => log.info("swept", { removed })),
        watchCare.upkeep(),
        rotation.run(({ key, change }) => {
          log.audit("key-rotated", { outcome: "success", key, change });
        }),
      ]);
      const failed = done.filter((result) => result.status === "rejected");
      for (const { reason } of failed) log.error("maintenance-failed", reason);
      if (failed.length > 0)
        throw new AggregateError(failed.map((result) => result.reason as unknown));
    },
    checkStreams: () => streamCheck.run(),
    async close() {
      clearInterval(checking);
      // Should the rest take too long, so much has been sent.
      void telemetry.flush();
      // First nothing new comes in, then what there is ends.
      await Promise.race([station.close(), adapters.clock.sleep(RELEASE_MS)]);
      await Promise.all([connections.closeAll("shutdown"), statelessMcp.close()]);
      redis?.close();
      // The worker goes the moment this returns: the library needs a moment to end the responses.
      await Promise.all([adapters.clock.sleep(ENDING_MS), telemetry.flush()]);
    },
  };
}

let app: Promise<App> | undefined;

/** The app of this process, made when it is first asked for. */
export function getApp(): Promise<App> {
  app ??= startApp();
  return app;
}

/** @throws ConfigError */
async function startApp(): Promise<App> {
  const config = loadConfig();
  const clock = systemClock;
  const telemetry = await startTelemetry(config, { clock, log: consoleLog });
  return createApp(config, {
    store: new TableStore(tableAccess(config)),
    clock,
    random: systemRandom,
    telemetry,
    // The host sends on what is on the console, so one of the two is enough.
    log: telemetry.on ? jsonLog((level, line) => telemetry.log(level, line)) : consoleLog,
  });
}
