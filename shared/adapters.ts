import { azureCredential } from "./azure-credential.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config.ts";
import type { Entra } from "./entra/entra.ts";
import type { Features } from "./features/feature.ts";
import { KeyVaultWrapper } from "./keys/key-vault-wrapper.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import { LocalKeyWrapper } from "./keys/local-key-wrapper.ts";
import type { Log } from "./log.ts";
import type { DocumentFetch } from "./oauth/clients/document-fetch.ts";
import type { Random } from "./random.ts";
import { EntraCredentials } from "./redis/entra-credentials.ts";
import { Redis } from "./redis/redis.ts";
import type { Store } from "./storage/store.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

/** What reaches out of the process; tests hand in their own. */
export interface Adapters {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The adapter to Entra; MSAL where it is left out. */
  readonly entra?: Entra;
  /** The way to clients' documents; the one that reaches public hosts only where it is left out. */
  readonly fetchDocument?: DocumentFetch;
  /** What the server offers; `features/all.ts` where it is left out. */
  readonly features?: Features;
  /** What protects the data keys; the settings choose where it is left out. */
  readonly keyWrapper?: KeyWrapper;
  /** What watches; nobody where it is left out. */
  readonly telemetry?: Telemetry;
  /** What instances tell each other quickly with; the settings say whether there is one where it is left out. */
  readonly redis?: Redis;
}

/** @returns What protects the data keys, as the settings have it: a local key, or Key Vault. */
export function keyWrapperOf({ wrappingKey, azureClientId }: Config): KeyWrapper {
  if ("localKey" in wrappingKey) return new LocalKeyWrapper(wrappingKey.localKey);
  const credential = azureCredential(azureClientId);
  return new KeyVaultWrapper({ keyId: wrappingKey.keyVaultKeyId, credential });
}

/**
 * @returns The way to Redis, or undefined where the settings name none. A URL that names nobody is that of Azure
 *   Managed Redis, which the managed identity signs in to.
 */
export function redisOf(config: Config, { clock, log }: Adapters): Redis | undefined {
  const { redisUrl: url, azureClientId } = config;
  if (url === undefined) return undefined;
  const { protocol, password } = new URL(url);
  const managed = protocol === "rediss:" && password === "";
  const source = azureCredential(azureClientId);
  const credentials = managed ? new EntraCredentials({ source, clock, log }) : undefined;
  return new Redis({ url, credentials, clock, log });
}
