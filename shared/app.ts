import { systemClock } from "./clock.ts";
import { type Config, loadConfig } from "./config.ts";
import { consoleLog, type Log } from "./log.ts";
import { STREAM_CHECK_INTERVAL_MS } from "./mcp/stream-check.ts";
import { systemRandom } from "./random.ts";
import { TableStore } from "./storage/table-store.ts";
import { tableAccess } from "./storage/table-access.ts";
import { createHandlers, type Handlers } from "./handlers.ts";
import { type Adapters, createParts } from "./parts.ts";

/** How long responses get to end after their streams have. */
const ENDING_MS = 100;

/** The server: a handler for each route, what it does by itself, and the way to end it. */
export interface App {
  readonly config: Config;
  readonly handlers: Handlers;
  /** What is due every hour. Several instances may do it at once. */
  maintain(log: Log): Promise<void>;
  /** Ends the streams of sessions that have ended elsewhere. Every instance does so by itself as well. */
  checkStreams(): Promise<void>;
  /** Ends the streams, when the instance is about to go. */
  close(): Promise<void>;
}

/** Puts the server together: config and adapters in, handlers out. */
export function createApp(config: Config, adapters: Adapters): App {
  const parts = createParts(config, adapters);
  const { connections, redis, rotation, station, streamCheck, sweep } = parts;
  const checking = setInterval(() => void streamCheck.run(), STREAM_CHECK_INTERVAL_MS);
  checking.unref();
  return {
    config,
    handlers: createHandlers(parts),
    async maintain(log) {
      // Neither waits for the other: a sweep that fails must not keep keys from being rotated.
      const done = await Promise.allSettled([
        sweep.run().then((removed) => log.info("swept", { removed })),
        rotation.run(({ key, change }) => {
          log.audit("key-rotated", { outcome: "success", key, change });
        }),
      ]);
      const failed = done.filter((result) => result.status === "rejected");
      if (failed.length > 0)
        throw new AggregateError(failed.map((result) => result.reason as unknown));
    },
    checkStreams: () => streamCheck.run(),
    async close() {
      clearInterval(checking);
      // First nothing new comes in, then what there is ends.
      await station.close();
      await connections.closeAll("shutdown");
      redis?.close();
      // The worker goes the moment this returns: the library needs a moment to end the responses.
      await adapters.clock.sleep(ENDING_MS);
    },
  };
}

let app: App | undefined;

/**
 * The app of this process, made when it is first asked for.
 *
 * @throws ConfigError
 */
export function getApp(): App {
  if (app === undefined) {
    const config = loadConfig();
    app = createApp(config, {
      store: new TableStore(tableAccess(config)),
      clock: systemClock,
      random: systemRandom,
      log: consoleLog,
    });
  }
  return app;
}
