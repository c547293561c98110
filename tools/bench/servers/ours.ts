import { createApp, type App } from "../../../shared/app.ts";
import { systemClock } from "../../../shared/clock.ts";
import { loadConfig } from "../../../shared/config.ts";
import { jsonLog } from "../../../shared/log.ts";
import { systemRandom } from "../../../shared/random.ts";
import { tableAccess } from "../../../shared/storage/table-access.ts";
import { TableStore } from "../../../shared/storage/table-store.ts";
import { handlerName } from "../../../tests/support/handler-name.ts";
import { features } from "../echo-features.ts";
import { serveCommands } from "../remote.ts";
import { CountingStore, type OperationCounts } from "./counting-store.ts";
import { measuredProcess } from "./measured-process.ts";
import { listen, nodeListener, type WebHandler } from "./node-adapter.ts";
import { takeWords } from "./watched-source.ts";

/** Lines are made, as in production, and go nowhere. */
const log = jsonLog(() => undefined);

const stores: CountingStore[] = [];
const apps: App[] = [];

const commands = {
  ...measuredProcess,

  /** Starts an instance of the app, mounted directly on `node:http`. @returns Its URL. */
  async start({ env, port = 0 }: { env: Record<string, string>; port?: number }): Promise<string> {
    const config = loadConfig({ ...env, WEBSITE_POD_NAME: `bench-${stores.length + 1}` });
    const store = new CountingStore(new TableStore(tableAccess(config)));
    stores.push(store);
    const app = createApp(config, {
      store,
      clock: systemClock,
      random: systemRandom,
      log,
      features,
    });
    apps.push(app);
    const { url } = await listen(nodeListener(config.baseUrl, mounted(app, store)), port);
    return url;
  },

  /** @returns What all instances of this process have asked of storage, by route, since the last time. */
  async operations(): Promise<OperationCounts> {
    const sum: OperationCounts = {};
    for (const store of stores) {
      for (const [route, count] of Object.entries(store.take())) {
        sum[route] = (sum[route] ?? 0) + count;
      }
    }
    return sum;
  },

  /** Ends all instances of this process in order: who is killed counts as there for a while, and is written to. */
  async close(): Promise<void> {
    await Promise.all(apps.splice(0).map((app) => app.close()));
  },

  /** @returns What the sources tell whose watches were begun here since the last time. */
  words: async () => takeWords(),
};

function mounted(app: App, store: CountingStore): WebHandler {
  return (request, connection, requestId) => {
    const name = handlerName(new URL(request.url).pathname);
    const context = { requestId, log, address: "127.0.0.1", ...connection };
    return store.during(name, () => app.handlers[name](request, context));
  };
}

export type Ours = typeof commands;

serveCommands(commands);
