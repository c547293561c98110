import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { waitForPort } from "./ports.ts";
import type { Ports } from "./local-settings.ts";

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;

export interface AzuriteOptions {
  readonly ports: Pick<Ports, "table" | "blob" | "queue">;
  /** Where the data is kept; in memory where it is left out. */
  readonly dataDir?: string;
  /** Blobs and queues too, which the Core Tools want; tables are always there. */
  readonly allServices?: boolean;
  /**
   * Files with a certificate and its key: tables over https, which take the tokens of a managed identity. Azurite
   * looks at who issued them and for what, not at their signature.
   */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface RunningAzurite {
  stop(): Promise<void>;
}

/**
 * Starts Azurite, the emulator of Azure Storage, in a process of its own.
 *
 * @returns When it answers.
 * @throws Error with what it printed, when it does not start.
 */
export async function startAzurite(options: AzuriteOptions): Promise<RunningAzurite> {
  const { ports, dataDir, allServices = false, tls } = options;
  if (dataDir !== undefined) await mkdir(dataDir, { recursive: true });
  const child = fork(
    new URL("azurite-process.ts", import.meta.url),
    [
      allServices ? "all" : "table",
      "--silent",
      "--disableTelemetry",
      "--skipApiVersionCheck",
      "--tableHost",
      "127.0.0.1",
      "--tablePort",
      String(ports.table),
      ...(allServices
        ? ["--blobPort", String(ports.blob), "--queuePort", String(ports.queue)]
        : []),
      ...(tls === undefined ? [] : ["--oauth", "basic", "--cert", tls.cert, "--key", tls.key]),
      ...(dataDir === undefined ? ["--inMemoryPersistence"] : ["--location", dataDir]),
    ],
    {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // A session of its own: at Ctrl-C, which reaches the whole group, Azurite would leave before those who still write.
      detached: true,
    },
  );
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, "exit");
  await Promise.race([
    waitForPort(ports.table, START_TIMEOUT_MS),
    exited.then(() => {
      throw new Error(`Azurite did not start:\n${output}`);
    }),
  ]);
  return {
    async stop() {
      // It writes to disk every five seconds, and once more when it is told to shut down: not at a signal.
      const closed = new Promise<void>((resolve) => {
        child.stdout?.on("data", (chunk: Buffer) => {
          if (chunk.includes("Table service successfully closed")) resolve();
        });
      });
      if (!child.connected) return;
      // More than once is fine.
      if (child.connected) child.send("shutdown");
      await Promise.race([closed, exited, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      child.kill("SIGKILL");
      await exited;
    },
  };
}
