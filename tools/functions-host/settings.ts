import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const hostJson = z.object({
  telemetryMode: z.string().optional(),
  functionTimeout: z.string().optional(),
  extensions: z
    .object({ http: z.object({ routePrefix: z.string().optional() }).optional() })
    .optional(),
  logging: z.object({ logLevel: z.record(z.string(), z.string()).optional() }).optional(),
});

const packageJson = z.object({ main: z.string(), type: z.string().optional() });

const localSettings = z.object({
  IsEncrypted: z.literal(false, "must be false: this host reads no encrypted settings").optional(),
  Values: z.record(z.string(), z.string()).optional(),
  Host: z.object({ LocalHttpPort: z.number().int().optional() }).optional(),
});

/** What `host.json` and `package.json` say about an app. */
export interface AppSettings {
  readonly main: string;
  readonly isModule: boolean;
  readonly routePrefix: string;
  /** Milliseconds; `undefined` means without bound. */
  readonly functionTimeoutMs: number | undefined;
  readonly logLevels: Readonly<Record<string, string>>;
  /** Whether the host records traces itself (`telemetryMode`), so that those it begins are marked as sampled. */
  readonly recordsTraces: boolean;
}

/** What `local.settings.json` says. */
export interface LocalSettings {
  readonly values: Readonly<Record<string, string>>;
  readonly port: number | undefined;
}

const DEFAULT_ROUTE_PREFIX = "api";
const DEFAULT_FUNCTION_TIMEOUT_MS = 30 * 60_000;

/**
 * Reads `host.json` and `package.json` in `root`, with the defaults of Flex Consumption.
 *
 * @throws Error naming the file when it is missing or cannot be read
 * @see https://learn.microsoft.com/azure/azure-functions/functions-host-json
 */
export function readAppSettings(root: string): AppSettings {
  const host = readJson(join(root, "host.json"), hostJson);
  const manifest = readJson(join(root, "package.json"), packageJson);
  if (!host) throw new Error(`There is no host.json in ${root}.`);
  if (!manifest) throw new Error(`There is no package.json in ${root}.`);
  return {
    main: manifest.main,
    isModule: manifest.type === "module",
    routePrefix: (host.extensions?.http?.routePrefix ?? DEFAULT_ROUTE_PREFIX).replace(
      /^\/|\/$/g,
      "",
    ),
    functionTimeoutMs: parseTimeout(host.functionTimeout),
    logLevels: host.logging?.logLevel ?? {},
    recordsTraces: host.telemetryMode?.toLowerCase() === "opentelemetry",
  };
}

/**
 * Reads the local settings file; a missing one is empty.
 *
 * @throws Error naming the file when it cannot be read
 * @see https://learn.microsoft.com/azure/azure-functions/functions-develop-local#local-settings-file
 */
export function readLocalSettings(file: string): LocalSettings {
  const settings = readJson(file, localSettings);
  return { values: settings?.Values ?? {}, port: settings?.Host?.LocalHttpPort };
}

function parseTimeout(text: string | undefined): number | undefined {
  if (text === undefined) return DEFAULT_FUNCTION_TIMEOUT_MS;
  if (text === "-1") return undefined;
  const match = /^(?:(\d+)\.)?(\d+):(\d\d):(\d\d)$/.exec(text);
  if (!match) throw new Error(`host.json: functionTimeout "${text}" is neither -1 nor hh:mm:ss.`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

function readJson<T>(file: string, schema: z.ZodType<T>): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new Error(`${file} cannot be used: ${reason}`, { cause: error });
  }
}
