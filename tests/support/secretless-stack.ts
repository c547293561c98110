import { MANAGED_IDENTITY } from "../../tools/entra/directory.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import {
  type FunctionsHost,
  startFunctionsHost,
} from "../../tools/functions-host/start-functions-host.ts";
import { ROOT } from "../../tools/stack/command-line.ts";
import { planLocalStack, SAMPLE } from "../../tools/stack/local-settings.ts";
import { freePorts } from "../../tools/stack/ports.ts";
import { recorder } from "./redaction/recorder.ts";
import { startSecureAzurite } from "./test-azurite.ts";

/** What only a developer's machine has. Of the vault there is no local one that speaks https: LOCAL_KEY stays. */
const SECRETS = { ENTRA_CLIENT_SECRET: undefined, AzureWebJobsStorage: undefined };

export interface SecretlessStack {
  readonly baseUrl: string;
  readonly entra: RunningEntra;
  readonly host: FunctionsHost;
  /** Everything that the server has written to its log. */
  readonly log: readonly string[];
  stop(): Promise<void>;
}

/**
 * The built server as it runs in Azure: the only credential is what the platform's identity endpoint hands out.
 *
 * @param options.publicBaseUrl The origin that the server is known by, where that is not its first instance.
 */
export async function startSecretlessStack(
  options: { env?: Record<string, string>; instances?: number; publicBaseUrl?: string } = {},
): Promise<SecretlessStack> {
  const { env = {}, instances = 1 } = options;
  const azurite = await startSecureAzurite();
  const entra = await startEntra({ port: 0 });
  const app = await freePorts(instances);
  const { values } = planLocalStack(ROOT, { app, entra: entra.port }, {}, SAMPLE);
  const baseUrl = options.publicBaseUrl ?? `http://localhost:${app}`;
  const log: string[] = [];
  const host = await startFunctionsHost({
    root: ROOT.pathname,
    port: app,
    instances,
    env: {
      ...values,
      ...SECRETS,
      PUBLIC_BASE_URL: baseUrl,
      AZURE_CLIENT_ID: MANAGED_IDENTITY.clientId,
      STORAGE_TABLE_ENDPOINT: azurite.endpoint,
      // From the platform.
      IDENTITY_ENDPOINT: `${entra.url}/msi/token`,
      IDENTITY_HEADER: MANAGED_IDENTITY.identityHeader,
      // For the host, as the Bicep writes it.
      AzureWebJobsStorage__tableServiceUri: azurite.endpoint,
      AzureWebJobsStorage__credential: "managedidentity",
      AzureWebJobsStorage__clientId: MANAGED_IDENTITY.clientId,
      NODE_EXTRA_CA_CERTS: azurite.certificate,
      ...env,
    },
    onLine(line) {
      log.push(line);
      recorder.line(line);
    },
  });
  recorder.settings(values);
  return {
    baseUrl,
    entra,
    host,
    log,
    async stop() {
      await host.stop();
      recorder.entra(entra);
      await entra.stop();
      await azurite.stop();
    },
  };
}
