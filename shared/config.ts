import { z } from "zod";
import packageJson from "../package.json" with { type: "json" };
import type { AllowedTenants } from "./entra/identity.ts";
import type { Client } from "./oauth/clients/client.ts";
import { configuredClients } from "./oauth/clients/configured-clients.ts";

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

/** Tokens carry ids in lower case, and are compared with these. */
const guid = z.guid("must be a GUID").toLowerCase();

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

const environment = z.object({
  PUBLIC_BASE_URL: origin("is the public origin").default("http://localhost:7071"),
  ENTRA_AUTHORITY_URL: origin("is where Entra signs people in").default(
    "https://login.microsoftonline.com",
  ),
  GRAPH_BASE_URL: origin("is where Microsoft Graph is").default("https://graph.microsoft.com"),
  ENTRA_TENANT_ID: z.union([guid, z.literal("organizations")], "must be a GUID or organizations"),
  ENTRA_CLIENT_ID: guid,
  ENTRA_CLIENT_SECRET: z.string().optional(),
  ENTRA_ALLOWED_TENANTS: z
    .union(
      [z.literal("*").transform(() => "any" as const), list.pipe(z.array(guid).min(1))],
      "must be GUIDs, separated by commas, or * for any organisation",
    )
    .optional(),
  REQUIRED_APP_ROLE: z.string().optional(),
  AzureWebJobsStorage: z.string().optional(),
  REDIS_URL: z
    .url({
      protocol: /^rediss?$/,
      error: "must be the URL of a Redis, such as rediss://my-redis:10000",
      abort: true,
    })
    .refine(
      (text) => text.startsWith("rediss:") || LOOPBACK_HOSTS.has(new URL(text).hostname),
      "must be rediss, except on this machine",
    )
    .refine((text) => {
      const { username, password, pathname } = new URL(text);
      return (username === "" || password !== "") && /^\/?\d*$/.test(pathname);
    }, "must name a password where it names a user, and as a path a number or nothing")
    .optional(),
  STORAGE_TABLE_ENDPOINT: z
    .url({ protocol: /^https$/, error: "must be the https URL of a table service" })
    .optional(),
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
  REGISTERED_CLIENTS: configuredClients.default([]),
  ACCESS_TOKEN_TTL: seconds(3_600, MAX_ACCESS_TOKEN_TTL_SECONDS),
  REFRESH_IDLE_TTL: seconds(30 * DAY_SECONDS, 90 * DAY_SECONDS),
  REFRESH_MAX_TTL: seconds(90 * DAY_SECONDS, MAX_SESSION_TTL_SECONDS),
  STREAM_LIFETIME: seconds(14_400, 7 * DAY_SECONDS),
  RATE_LIMIT_FACTOR: z.coerce.number().positive().max(1_000).default(1),
  APPLICATIONINSIGHTS_CONNECTION_STRING: z
    .string()
    .regex(
      /^InstrumentationKey=[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}(;\w+=[^;=]+)*;?$/,
      "must be the connection string of an Application Insights, as the portal shows it",
    )
    .optional(),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number("must be a number from 0 to 1").min(0).max(1).default(1),
  WEBSITE_SITE_NAME: z.string().default(packageJson.name),
  WEBSITE_POD_NAME: z.string().optional(),
  CONTAINER_NAME: z.string().optional(),
});

type Setting = keyof z.infer<typeof environment>;

/** Everything that is read: the check of the infrastructure holds it against what is written. */
export const SETTINGS: readonly string[] = Object.keys(environment.shape);

/** What a developer's machine has, all of it secret, and what takes its place in Azure, none of it secret. */
const FORMS = [
  { local: "ENTRA_CLIENT_SECRET", cloud: "AZURE_CLIENT_ID" },
  { local: "AzureWebJobsStorage", cloud: "STORAGE_TABLE_ENDPOINT" },
  { local: "LOCAL_KEY", cloud: "KEY_VAULT_KEY_ID" },
] as const satisfies { local: Setting; cloud: Setting }[];

/** What is asked for as the managed identity. */
const AS_MANAGED_IDENTITY = ["STORAGE_TABLE_ENDPOINT", "KEY_VAULT_KEY_ID"] as const;

const inOneForm = FORMS.reduce(
  (schema, { local, cloud }) =>
    schema
      .refine((settings) => settings[local] !== undefined || settings[cloud] !== undefined, {
        path: [local],
        error: `must be set in development, and ${cloud} everywhere else`,
        when: areSound(local, cloud),
      })
      .refine((settings) => settings[local] === undefined || settings[cloud] === undefined, {
        path: [cloud],
        error: `takes the place of ${local}: only one of them may be set`,
        when: areSound(local, cloud),
      })
      .refine((settings) => settings[local] === undefined || isLoopback(settings.PUBLIC_BASE_URL), {
        path: [local],
        error: `is for development, so PUBLIC_BASE_URL must be on this machine; elsewhere set ${cloud}`,
        when: areSound(local, "PUBLIC_BASE_URL"),
      }),
  environment,
);

const settingsSchema = inOneForm
  .refine(
    (settings) =>
      settings.AZURE_CLIENT_ID !== undefined ||
      AS_MANAGED_IDENTITY.every((name) => settings[name] === undefined),
    {
      path: ["AZURE_CLIENT_ID"],
      error: `must name the managed identity that uses ${AS_MANAGED_IDENTITY.join(" and ")}`,
      when: areSound("AZURE_CLIENT_ID", ...AS_MANAGED_IDENTITY),
    },
  )
  .refine(({ PUBLIC_BASE_URL: url }) => isLoopback(url) || url.startsWith("https:"), {
    path: ["PUBLIC_BASE_URL"],
    error: "must be https, except on this machine (http://localhost:7071)",
    when: areSound("PUBLIC_BASE_URL"),
  })
  .refine(
    ({ ENTRA_TENANT_ID, ENTRA_ALLOWED_TENANTS }) =>
      ENTRA_TENANT_ID !== "organizations" || ENTRA_ALLOWED_TENANTS !== undefined,
    {
      path: ["ENTRA_ALLOWED_TENANTS"],
      error: "must say whose people may sign in, or * for any organisation",
      when: areSound("ENTRA_TENANT_ID", "ENTRA_ALLOWED_TENANTS"),
    },
  )
  .refine(
    ({ REDIS_URL: redis = "redis:", PUBLIC_BASE_URL }) =>
      isLoopback(PUBLIC_BASE_URL) || new URL(redis).password === "",
    {
      path: ["REDIS_URL"],
      error: "must carry no password, except on this machine: the managed identity signs in",
      when: areSound("REDIS_URL", "PUBLIC_BASE_URL"),
    },
  )
  .refine(({ REFRESH_IDLE_TTL, REFRESH_MAX_TTL }) => REFRESH_IDLE_TTL <= REFRESH_MAX_TTL, {
    path: ["REFRESH_IDLE_TTL"],
    error: "must not exceed REFRESH_MAX_TTL",
    when: areSound("REFRESH_IDLE_TTL", "REFRESH_MAX_TTL"),
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
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    throw new ConfigError(
      message(parsed.error.issues.map((issue) => `${String(issue.path[0])}: ${issue.message}`)),
    );
  }
  const settings = parsed.data;
  const { AzureWebJobsStorage: connectionString, STORAGE_TABLE_ENDPOINT: endpoint } = settings;
  const { LOCAL_KEY: localKey, KEY_VAULT_KEY_ID: keyVaultKeyId } = settings;
  return {
    baseUrl: settings.PUBLIC_BASE_URL,
    loopback: isLoopback(settings.PUBLIC_BASE_URL),
    entra: {
      authorityUrl: settings.ENTRA_AUTHORITY_URL,
      tenantId: settings.ENTRA_TENANT_ID,
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

/** A setting that the rules above have made sure of. */
function checked(setting: string | undefined): string {
  if (setting === undefined) throw new TypeError("a setting that was checked is missing");
  return setting;
}

function isLoopback(url: string): boolean {
  return LOOPBACK_HOSTS.has(new URL(url).hostname);
}

/** A rule about several settings is checked when each of these is good by itself, whatever the others are. */
function areSound(...names: Setting[]) {
  return ({ issues }: z.core.ParsePayload) =>
    !issues.some(({ path }) => names.some((name) => name === path?.[0]));
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
