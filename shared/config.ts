import type { AllowedTenants } from "./entra/identity.ts";
import type { Client } from "./oauth/clients/client.ts";
import { isLoopback, type Settings } from "./settings.ts";
import { checkedSettings } from "./settings-rules.ts";

/** The settings, parsed. Where each comes from and what it means is in docs/operate.md. */
export interface Config {
  /** The public origin: issuer, metadata, redirect URI and audience come from here and only here. */
  readonly baseUrl: string;
  /** Whether `baseUrl` is this machine: development, plain http, cookies without `Secure`. */
  readonly loopback: boolean;
  readonly entra: {
    readonly authorityUrl: string;
    readonly tenantId: string;
    /** The tenant of the app registration, whose programs may publish; not known, where it may be any. */
    readonly homeTenantId: string | undefined;
    readonly clientId: string;
    /** In development; in Azure the managed identity proves who this is. */
    readonly clientSecret: string | undefined;
    readonly allowedTenants: AllowedTenants;
  };
  /** An app role that everybody needs to sign in. */
  readonly requiredRole: string | undefined;
  readonly graphBaseUrl: string;
  /** Where the tables are: Azurite by its connection string, or an account that the managed identity may use. */
  readonly tables: { readonly connectionString: string } | { readonly endpoint: string };
  /** The fast way between instances; without it messages go through the tables. */
  readonly redisUrl: string | undefined;
  /** Clients that need not register: the operator has entered them. */
  readonly registeredClients: readonly Client[];
  /** The key that wraps the data keys: from the settings in development, in Key Vault elsewhere. */
  readonly wrappingKey: { readonly localKey: string } | { readonly keyVaultKeyId: string };
  /** The user-assigned managed identity that the app has in Azure; nobody has one in development. */
  readonly azureClientId: string | undefined;
  /** Browser origins, besides our own, that may call the MCP endpoints. */
  readonly allowedOrigins: readonly string[];
  readonly accessTokenTtlSeconds: number;
  readonly refreshIdleTtlSeconds: number;
  readonly refreshMaxTtlSeconds: number;
  /** After so long a stream ends by itself, give or take a tenth, and its client opens another. */
  readonly streamLifetimeSeconds: number;
  /** Multiplies every rate limit. */
  readonly rateLimitFactor: number;
  /** The header in which the front end names the address of the caller, in lower case; undefined where none does. */
  readonly clientAddressHeader: string | undefined;
  /** Where spans, metrics and the log are sent, if anywhere. */
  readonly telemetry:
    | {
        /** Of Application Insights. */
        readonly connectionString: string;
        /** Of all traces that begin here, the part that is kept. */
        readonly samplingRatio: number;
        readonly serviceName: string;
      }
    | undefined;
  /** The name of the machine; it survives a restart of the worker. */
  readonly podName: string;
}

/** In it the Functions host names its own peer. On this machine, where nothing stands in front, that is the caller. */
const PEER_ADDRESS_HEADER = "x-forwarded-for";

/** The settings cannot be used. The message lists every fault at once. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * Reads the settings: the only reader of the environment.
 *
 * @throws ConfigError that lists every fault.
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  // A setting that is there but empty is a setting that is not there.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = checkedSettings.safeParse(given);
  if (!parsed.success) {
    throw new ConfigError(
      message(parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`)),
    );
  }
  return toConfig(parsed.data);
}

function toConfig(settings: Settings): Config {
  const { AzureWebJobsStorage: connectionString, STORAGE_TABLE_ENDPOINT: endpoint } = settings;
  const { LOCAL_KEY: localKey, KEY_VAULT_KEY_ID: keyVaultKeyId } = settings;
  const loopback = isLoopback(settings.PUBLIC_BASE_URL);
  return {
    baseUrl: settings.PUBLIC_BASE_URL,
    loopback,
    entra: {
      authorityUrl: settings.ENTRA_AUTHORITY_URL,
      tenantId: settings.ENTRA_TENANT_ID,
      homeTenantId: homeTenantOf(settings),
      clientId: settings.ENTRA_CLIENT_ID,
      clientSecret: settings.ENTRA_CLIENT_SECRET,
      allowedTenants: settings.ENTRA_ALLOWED_TENANTS ?? [settings.ENTRA_TENANT_ID],
    },
    requiredRole: settings.REQUIRED_APP_ROLE,
    graphBaseUrl: settings.GRAPH_BASE_URL,
    tables:
      endpoint === undefined
        ? { connectionString: checked(connectionString) }
        : { endpoint: endpoint.replace(/\/$/, "") },
    redisUrl: settings.REDIS_URL,
    registeredClients: settings.REGISTERED_CLIENTS,
    wrappingKey: keyVaultKeyId === undefined ? { localKey: checked(localKey) } : { keyVaultKeyId },
    azureClientId: settings.AZURE_CLIENT_ID,
    allowedOrigins: settings.ALLOWED_ORIGINS,
    accessTokenTtlSeconds: settings.ACCESS_TOKEN_TTL,
    refreshIdleTtlSeconds: settings.REFRESH_IDLE_TTL,
    refreshMaxTtlSeconds: settings.REFRESH_MAX_TTL,
    streamLifetimeSeconds: settings.STREAM_LIFETIME,
    rateLimitFactor: settings.RATE_LIMIT_FACTOR,
    clientAddressHeader:
      settings.CLIENT_ADDRESS_HEADER ?? (loopback ? PEER_ADDRESS_HEADER : undefined),
    telemetry:
      settings.APPLICATIONINSIGHTS_CONNECTION_STRING === undefined
        ? undefined
        : {
            connectionString: settings.APPLICATIONINSIGHTS_CONNECTION_STRING,
            samplingRatio: settings.OTEL_TRACES_SAMPLER_ARG,
            serviceName: settings.WEBSITE_SITE_NAME,
          },
    podName: settings.WEBSITE_POD_NAME ?? settings.CONTAINER_NAME ?? "local",
  };
}

function homeTenantOf({ ENTRA_HOME_TENANT_ID, ENTRA_TENANT_ID }: Settings): string | undefined {
  return (
    ENTRA_HOME_TENANT_ID ?? (ENTRA_TENANT_ID === "organizations" ? undefined : ENTRA_TENANT_ID)
  );
}

/** A setting that the rules have made sure of. */
function checked(setting: string | undefined): string {
  if (setting === undefined) throw new TypeError("a setting that was checked is missing");
  return setting;
}

function message(faults: readonly string[]): string {
  return `The settings cannot be used:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`;
}
