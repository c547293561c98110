import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { azuriteConnectionString } from "../../tools/stack/local-settings.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { startAzurite } from "../../tools/stack/start-azurite.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_CERTIFICATE_KEY } from "./test-certificate.ts";

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

export interface SecureAzurite {
  /** For `STORAGE_TABLE_ENDPOINT`. */
  readonly endpoint: string;
  /** The file of its certificate, for who is to trust it. */
  readonly certificate: string;
  stop(): Promise<void>;
}

/** Azurite's tables over https, for who has a token in place of the account's key. */
export async function startSecureAzurite(): Promise<SecureAzurite> {
  const folder = await mkdtemp(join(tmpdir(), "azurite-"));
  const tls = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  await writeFile(tls.cert, LOOPBACK_CERTIFICATE);
  await writeFile(tls.key, LOOPBACK_CERTIFICATE_KEY);
  const ports = { table: await freePort(), blob: await freePort(), queue: await freePort() };
  const azurite = await startAzurite({ ports, tls });
  return {
    endpoint: `https://127.0.0.1:${ports.table}/devstoreaccount1`,
    certificate: tls.cert,
    async stop() {
      await azurite.stop();
      await rm(folder, { recursive: true });
    },
  };
}
