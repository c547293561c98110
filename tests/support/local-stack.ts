import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import {
  type FunctionsHost,
  startFunctionsHost,
} from "../../tools/functions-host/start-functions-host.ts";
import {
  azuriteConnectionString,
  planLocalStack,
  SAMPLE,
} from "../../tools/stack/local-settings.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { type RunningAzurite, startAzurite } from "../../tools/stack/start-azurite.ts";
import { ROOT } from "../../tools/stack/command-line.ts";

export interface LocalStack {
  readonly baseUrl: string;
  readonly entra: RunningEntra;
  readonly host: FunctionsHost;
  readonly connectionString: string;
  /** Everything that the server has written to its log. */
  readonly log: readonly string[];
  stop(): Promise<void>;
}

/**
 * The built server in the local Functions host, on real Azurite tables and the Entra stand-in: what
 * `npm start` runs, on free ports and without a trace on disk.
 */
export async function startLocalStack(env: Record<string, string> = {}): Promise<LocalStack> {
  const [app, table, blob, queue] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const ports = { table, blob, queue };
  const azurite: RunningAzurite = await startAzurite({ ports });
  const entra = await startEntra({ port: 0 });
  const plan = planLocalStack(ROOT, { app, table, blob, queue, entra: entra.port }, {}, SAMPLE);
  const log: string[] = [];
  const host = await startFunctionsHost({
    root: ROOT.pathname,
    port: app,
    env: { ...plan.values, ...env },
    onLine: (line) => log.push(line),
  });
  return {
    baseUrl: `http://localhost:${app}`,
    entra,
    host,
    connectionString: azuriteConnectionString(ports),
    log,
    async stop() {
      await host.stop();
      await entra.stop();
      await azurite.stop();
    },
  };
}
