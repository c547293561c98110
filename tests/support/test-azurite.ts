import { azuriteConnectionString } from "../../tools/stack/local-settings.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { startAzurite } from "../../tools/stack/start-azurite.ts";

export interface TestAzurite {
  /** Of its tables. */
  readonly port: number;
  readonly connectionString: string;
  /** Ends it; the port answers nobody then. More than once is fine. */
  stop(): Promise<void>;
}

/** Azurite's tables on a free port, in memory. */
export async function startTestAzurite(): Promise<TestAzurite> {
  const ports = { table: await freePort(), blob: await freePort(), queue: await freePort() };
  const azurite = await startAzurite({ ports });
  return {
    port: ports.table,
    connectionString: azuriteConnectionString(ports),
    stop: () => azurite.stop(),
  };
}
