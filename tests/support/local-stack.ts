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
import { LocalKeyWrapper } from "../../shared/keys/local-key-wrapper.ts";
import { TableStore } from "../../shared/storage/table-store.ts";
import { recorder } from "./redaction/recorder.ts";

export interface LocalStack {
  readonly baseUrl: string;
  readonly entra: RunningEntra;
  readonly host: FunctionsHost;
  readonly connectionString: string;
  /** The environment of the server; another host with the same is another instance of it. */
  readonly settings: Readonly<Record<string, string>>;
  /** Everything that the server has written to its log. */
  readonly log: readonly string[];
  /** Has the recorder keep the secrets that pass the test by: the server's keys, and what Entra gave it. */
  keepSecrets(): Promise<void>;
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
  const settings: Record<string, string> = { ...plan.values, ...env };
  recorder.settings(settings);
  const host = await startFunctionsHost({
    root: ROOT.pathname,
    port: app,
    env: settings,
    onLine(line) {
      log.push(line);
      recorder.line(line);
    },
  });
  const keepSecrets = async () => {
    const store = new TableStore(azuriteConnectionString(ports));
    await recorder.keysOf(store, new LocalKeyWrapper(settings["LOCAL_KEY"] ?? ""));
    recorder.entra(entra);
  };
  return {
    baseUrl: `http://localhost:${app}`,
    entra,
    host,
    connectionString: azuriteConnectionString(ports),
    settings,
    log,
    keepSecrets,
    async stop() {
      await host.stop();
      await keepSecrets();
      await entra.stop();
      await azurite.stop();
    },
  };
}
