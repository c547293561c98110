import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";

const localSettings = z.object({ Values: z.record(z.string(), z.string()) });

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

export const SAMPLE = "local.settings.sample.json";

/** Where the parts of the local stack listen. */
export interface Ports {
  readonly app: number;
  readonly table: number;
  readonly blob: number;
  readonly queue: number;
  readonly entra: number;
}

/** What `npm start` and `npm run stack` are to start, and the settings that fit it. */
export interface LocalPlan {
  /** For the Functions host: everything in the settings file, what the flags change, the environment. */
  readonly values: Readonly<Record<string, string>>;
  readonly ports: Ports;
  /** Storage is Azurite here, not an account in Azure. */
  readonly withAzurite: boolean;
  /** Entra is the stand-in: `ENTRA_AUTHORITY_URL` is on this machine. */
  readonly withEntra: boolean;
}

export type Flags = Partial<Ports>;

/**
 * Decides what to start. The settings are those of `local.settings.json`, or of the sample where there is
 * none; a variable that is already in the environment wins over the file, and a flag over both.
 *
 * @param root The project's folder.
 * @param settingsFile Another file than that, relative to `root`.
 */
export function planLocalStack(
  root: URL,
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
  settingsFile = "local.settings.json",
): LocalPlan {
  const own = new URL(settingsFile, root);
  const file = existsSync(own) ? own : new URL(SAMPLE, root);
  const { Values } = localSettings.parse(JSON.parse(readFileSync(file, "utf8")));
  const values: Record<string, string> = { ...Values };
  for (const name of Object.keys(values)) {
    const given = env[name];
    if (given !== undefined) values[name] = given;
  }
  const authority = env["ENTRA_AUTHORITY_URL"] ?? values["ENTRA_AUTHORITY_URL"];
  const withEntra = isLoopback(authority);
  const storage = values["AzureWebJobsStorage"] ?? "";
  const withAzurite =
    storage === "UseDevelopmentStorage=true" || storage.includes("http://127.0.0.1");
  const ports = {
    app: flags.app ?? portOf(values["PUBLIC_BASE_URL"]) ?? 7071,
    table: flags.table ?? portOf(/TableEndpoint=([^;]+)/.exec(storage)?.[1]) ?? 10_002,
    blob: flags.blob ?? portOf(/BlobEndpoint=([^;]+)/.exec(storage)?.[1]) ?? 10_000,
    queue: flags.queue ?? portOf(/QueueEndpoint=([^;]+)/.exec(storage)?.[1]) ?? 10_001,
    entra: flags.entra ?? portOf(authority) ?? 7080,
  };
  if (flags.app !== undefined) values["PUBLIC_BASE_URL"] = `http://localhost:${ports.app}`;
  if (withEntra && flags.entra !== undefined) {
    values["ENTRA_AUTHORITY_URL"] = `http://localhost:${ports.entra}`;
    values["GRAPH_BASE_URL"] = `http://localhost:${ports.entra}`;
  }
  if (withAzurite) values["AzureWebJobsStorage"] = azuriteConnectionString(ports);
  return { values, ports, withAzurite, withEntra };
}

/** Azurite's account and its key are the same everywhere and published in its documentation. */
export function azuriteConnectionString(ports: Pick<Ports, "table" | "blob" | "queue">): string {
  return [
    "DefaultEndpointsProtocol=http",
    "AccountName=devstoreaccount1",
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
    `BlobEndpoint=http://127.0.0.1:${ports.blob}/devstoreaccount1`,
    `QueueEndpoint=http://127.0.0.1:${ports.queue}/devstoreaccount1`,
    `TableEndpoint=http://127.0.0.1:${ports.table}/devstoreaccount1`,
  ].join(";");
}

function isLoopback(url: string | undefined): boolean {
  return url !== undefined && URL.canParse(url) && LOOPBACK_HOSTS.has(new URL(url).hostname);
}

/** @returns The port of a URL on this machine, or undefined. */
function portOf(url: string | undefined): number | undefined {
  if (url === undefined || !isLoopback(url)) return undefined;
  const { port } = new URL(url);
  return port === "" ? undefined : Number(port);
}
