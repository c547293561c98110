import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
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
import { freePort, freePorts } from "../../tools/stack/ports.ts";
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
  /** Takes storage away, and brings it back with all that it held. */
  stopStorage(): Promise<void>;
  startStorage(): Promise<void>;
  stop(): Promise<void>;
}

export interface LocalStackOptions {
  readonly env?: Record<string, string>;
  /** How many instances serve HTTP, on ports in a row; 1 by default. */
  readonly instances?: number;
  /** A folder with a package of the test's own; the product's by default. */
  readonly packageRoot?: URL;
  /** The origin that the server is known by, where that is not its first instance. */
  readonly publicBaseUrl?: string;
  /** Whether storage keeps its data while it is stopped. */
  readonly durable?: boolean;
}

/**
 * The built server in the local Functions host, on real Azurite tables and the Entra stand-in: what
 * `npm start` runs, on free ports and without a trace on disk.
 */
export async function startLocalStack(options: LocalStackOptions = {}): Promise<LocalStack> {
  const { env = {}, instances = 1, packageRoot = ROOT, publicBaseUrl, durable = false } = options;
  const [app, table, blob, queue] = [
    await freePorts(instances),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const ports = { table, blob, queue };
  const dataDir = durable ? await mkdtemp(join(tmpdir(), "entra-mcp-azurite-")) : undefined;
  const start = () => startAzurite({ ports, ...(dataDir !== undefined && { dataDir }) });
  let azurite: RunningAzurite = await start();
  const entra = await startEntra({ port: 0 });
  const plan = planLocalStack(ROOT, { app, table, blob, queue, entra: entra.port }, {}, SAMPLE);
  const log: string[] = [];
  const settings: Record<string, string> = {
    ...plan.values,
    ...(publicBaseUrl !== undefined && { PUBLIC_BASE_URL: publicBaseUrl }),
    ...env,
  };
  recorder.settings(settings);
  const host = await startFunctionsHost({
    root: fileURLToPath(packageRoot),
    port: app,
    instances,
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
    baseUrl: publicBaseUrl ?? `http://localhost:${app}`,
    entra,
    host,
    connectionString: azuriteConnectionString(ports),
    settings,
    log,
    keepSecrets,
    stopStorage: () => azurite.stop(),
    async startStorage() {
      azurite = await start();
    },
    async stop() {
      await host.stop();
      await keepSecrets();
      await entra.stop();
      await azurite.stop();
      if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
