import type { TokenCredential } from "@azure/identity";
import { TableClient, type TableServiceClientOptions } from "@azure/data-tables";
import { azureCredential } from "../azure-credential.ts";
import type { Config } from "../config.ts";
import type { Tries } from "./store.ts";

/** Where the tables are and who we are to them: Azurite by its connection string, an account as an identity. */
export type TableAccess =
  | string
  | {
      readonly endpoint: string;
      readonly credential: TokenCredential;
      /** Of the library: how it speaks to the service. */
      readonly options?: TableServiceClientOptions;
    };

const RETRIES = {
  several: { maxRetries: 2, retryDelayInMs: 100, maxRetryDelayInMs: 500 },
  once: { maxRetries: 0 },
} as const satisfies Readonly<Record<Tries, TableServiceClientOptions["retryOptions"]>>;

/** @returns How the settings have the tables reached. */
export function tableAccess({ tables, azureClientId }: Config): TableAccess {
  if ("connectionString" in tables) return tables.connectionString;
  return { endpoint: tables.endpoint, credential: azureCredential(azureClientId) };
}

/** @returns A client of one table. @param tries How often a write is sent that is not answered. */
export function connectTable(access: TableAccess, table: string, tries: Tries): TableClient {
  const retryOptions = RETRIES[tries];
  if (typeof access === "string") {
    return TableClient.fromConnectionString(access, table, {
      // Azurite speaks plain http; an https connection string stays https.
      allowInsecureConnection: true,
      retryOptions,
    });
  }
  const { endpoint, credential, options } = access;
  return new TableClient(endpoint, table, credential, { retryOptions, ...options });
}
