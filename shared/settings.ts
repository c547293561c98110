import { z } from "zod";
import packageJson from "../package.json" with { type: "json" };
import { configuredClients } from "./oauth/clients/configured-clients.ts";

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

/** Each setting by itself. What they have to do with each other is in `settings-rules.ts`. */
export const settings = z.object({
  PUBLIC_BASE_URL: origin("is the public origin").default("http://localhost:7071"),
  ENTRA_AUTHORITY_URL: origin("is where Entra signs people in").default(
    "https://login.microsoftonline.com",
  ),
  GRAPH_BASE_URL: origin("is where Microsoft Graph is").default("https://graph.microsoft.com"),
  ENTRA_TENANT_ID: z.union([guid, z.literal("organizations")], "must be a GUID or organizations"),
  ENTRA_HOME_TENANT_ID: guid.optional(),
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
  CLIENT_ADDRESS_HEADER: z
    .string()
    .regex(/^[\w-]+$/, "must be the name of a header, such as client-ip")
    .toLowerCase()
    .optional(),
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

export type Settings = z.infer<typeof settings>;

/** Everything that is read: the check of the infrastructure holds it against what is written. */
export const SETTINGS: readonly string[] = Object.keys(settings.shape);

/** Whether a URL leads to this machine. */
export function isLoopback(url: string): boolean {
  return LOOPBACK_HOSTS.has(new URL(url).hostname);
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
