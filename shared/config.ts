import { z } from "zod";

/** The settings, parsed. Where each comes from and what it means is in docs/operate.md. */
export interface Config {
  /** The public origin: issuer, metadata, redirect URI and audience come from here and only here. */
  readonly baseUrl: string;
  /** Whether `baseUrl` is this machine: development, plain http, cookies without `Secure`. */
  readonly loopback: boolean;
  readonly entra: {
    readonly authorityUrl: string;
    readonly tenantId: string;
    readonly clientId: string;
    readonly clientSecret: string;
    /** Tenants whose people may sign in. */
    readonly allowedTenants: readonly string[];
  };
  readonly graphBaseUrl: string;
  readonly storageConnectionString: string;
  /** The key that wraps the data keys: from the settings in development, in Key Vault elsewhere. */
  readonly wrappingKey: { readonly localKey: string } | { readonly keyVaultKeyId: string };
  /** The user-assigned managed identity that the app has in Azure. */
  readonly azureClientId: string | undefined;
  /** Browser origins, besides our own, that may call the MCP endpoints. */
  readonly allowedOrigins: readonly string[];
  readonly accessTokenTtlSeconds: number;
  readonly refreshIdleTtlSeconds: number;
  readonly refreshMaxTtlSeconds: number;
  /** The name of the machine; it survives a restart of the worker. */
  readonly podName: string;
}

/** The settings cannot be used. The message lists every fault at once. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

const DAY_SECONDS = 86_400;

/** Keys are kept for as long as what was made with them may live: see `keys/key-schedule.ts`. */
export const MAX_ACCESS_TOKEN_TTL_SECONDS = DAY_SECONDS;
export const MAX_SESSION_TTL_SECONDS = 365 * DAY_SECONDS;

const seconds = (fallback: number, max: number) =>
  z.coerce.number().int().min(1).max(max).default(fallback);

const list = z.string().transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);

const guid = z.guid("must be a GUID");

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

const environment = z.object({
  PUBLIC_BASE_URL: origin("is the public origin").default("http://localhost:7071"),
  ENTRA_AUTHORITY_URL: origin("is where Entra signs people in").default(
    "https://login.microsoftonline.com",
  ),
  GRAPH_BASE_URL: origin("is where Microsoft Graph is").default("https://graph.microsoft.com"),
  ENTRA_TENANT_ID: guid,
  ENTRA_CLIENT_ID: guid,
  ENTRA_CLIENT_SECRET: z.string().min(1),
  ENTRA_ALLOWED_TENANTS: list.pipe(z.array(guid).min(1)).optional(),
  AzureWebJobsStorage: z.string().min(1),
  LOCAL_KEY: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/, "must be 32 bytes in base64url (43 characters)")
    .optional(),
  KEY_VAULT_KEY_ID: z
    .string()
    .regex(
      /^https:\/\/[a-z0-9.-]+\/keys\/[A-Za-z0-9-]+$/,
      "must be a key without a version, such as https://my-vault.vault.azure.net/keys/data",
    )
    .optional(),
  AZURE_CLIENT_ID: guid.optional(),
  ALLOWED_ORIGINS: list
    .pipe(z.array(origin("lists browser origins")))
    .default(["http://localhost:6274", "http://127.0.0.1:6274"]),
  ACCESS_TOKEN_TTL: seconds(3_600, MAX_ACCESS_TOKEN_TTL_SECONDS),
  REFRESH_IDLE_TTL: seconds(30 * DAY_SECONDS, 90 * DAY_SECONDS),
  REFRESH_MAX_TTL: seconds(90 * DAY_SECONDS, MAX_SESSION_TTL_SECONDS),
  WEBSITE_POD_NAME: z.string().optional(),
  CONTAINER_NAME: z.string().optional(),
});

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
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    throw new ConfigError(
      message(parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`)),
    );
  }
  const settings = parsed.data;
  const loopback = LOOPBACK_HOSTS.has(new URL(settings.PUBLIC_BASE_URL).hostname);
  const wrappingKey = wrappingKeyOf(settings);
  const faults = [];
  if (!loopback && !settings.PUBLIC_BASE_URL.startsWith("https:")) {
    faults.push("PUBLIC_BASE_URL: must be https, except on this machine (http://localhost:7071)");
  }
  if (wrappingKey === undefined) {
    faults.push("KEY_VAULT_KEY_ID, LOCAL_KEY: one of them must be set, and not both");
  }
  if (!loopback && settings.LOCAL_KEY !== undefined) {
    faults.push("LOCAL_KEY: protects development only, so PUBLIC_BASE_URL must be on this machine");
  }
  if (settings.REFRESH_IDLE_TTL > settings.REFRESH_MAX_TTL) {
    faults.push("REFRESH_IDLE_TTL: must not exceed REFRESH_MAX_TTL");
  }
  if (wrappingKey === undefined || faults.length > 0) throw new ConfigError(message(faults));
  return {
    baseUrl: settings.PUBLIC_BASE_URL,
    loopback,
    entra: {
      authorityUrl: settings.ENTRA_AUTHORITY_URL,
      tenantId: settings.ENTRA_TENANT_ID,
      clientId: settings.ENTRA_CLIENT_ID,
      clientSecret: settings.ENTRA_CLIENT_SECRET,
      allowedTenants: settings.ENTRA_ALLOWED_TENANTS ?? [settings.ENTRA_TENANT_ID],
    },
    graphBaseUrl: settings.GRAPH_BASE_URL,
    storageConnectionString: settings.AzureWebJobsStorage,
    wrappingKey,
    azureClientId: settings.AZURE_CLIENT_ID,
    allowedOrigins: settings.ALLOWED_ORIGINS,
    accessTokenTtlSeconds: settings.ACCESS_TOKEN_TTL,
    refreshIdleTtlSeconds: settings.REFRESH_IDLE_TTL,
    refreshMaxTtlSeconds: settings.REFRESH_MAX_TTL,
    podName: settings.WEBSITE_POD_NAME ?? settings.CONTAINER_NAME ?? "local",
  };
}

function wrappingKeyOf({
  LOCAL_KEY: localKey,
  KEY_VAULT_KEY_ID: keyVaultKeyId,
}: z.infer<typeof environment>): Config["wrappingKey"] | undefined {
  if (localKey !== undefined) return keyVaultKeyId === undefined ? { localKey } : undefined;
  return keyVaultKeyId === undefined ? undefined : { keyVaultKeyId };
}

/** An origin as browsers write it: scheme, host and port, no path and no slash at the end. */
function origin(what: string) {
  return z
    .string()
    .refine(
      (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
      `${what}: an http(s) origin such as https://mcp.example.com`,
    )
    .refine(
      (text) => !URL.canParse(text) || new URL(text).origin === text,
      `${what}: scheme, host and port in lower case, without a path or a slash at the end`,
    );
}

function message(faults: readonly string[]): string {
  return `The settings cannot be used:\n${faults.map((fault) => `  - ${fault}`).join("\n")}`;
}
