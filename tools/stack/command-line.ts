import { parseArgs } from "node:util";
import { wholeNumber } from "../whole-number.ts";
import type { Flags } from "./local-settings.ts";

/** The project's folder. */
export const ROOT = new URL("../../", import.meta.url);

/** Ignored by git; survives a restart. */
export const DATA_DIR = new URL(".data/", ROOT);

/** How often it is looked whether npm is still there. */
const LOOK_EVERY_MS = 500;

export interface CommandLine {
  readonly flags: Flags;
  readonly instances: number;
  /** Whether the data of earlier runs is to be forgotten. */
  readonly fresh: boolean;
}

/**
 * Reads the flags of `npm start` and `npm run stack`.
 *
 * @throws Error for a flag that is not known or a value that cannot be.
 */
export function readCommandLine(): CommandLine {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      "table-port": { type: "string" },
      "blob-port": { type: "string" },
      "queue-port": { type: "string" },
      "entra-port": { type: "string" },
      instances: { type: "string" },
      fresh: { type: "boolean", default: false },
    },
  });
  const given = {
    app: port("--port", values.port),
    table: port("--table-port", values["table-port"]),
    blob: port("--blob-port", values["blob-port"]),
    queue: port("--queue-port", values["queue-port"]),
    entra: port("--entra-port", values["entra-port"]),
  };
  const flags = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  );
  const instances = wholeNumber("--instances", values.instances, 1, 16) ?? 1;
  return { flags, instances, fresh: values.fresh };
}

/** @returns The port that a flag names. @throws Error for what is no port. */
export function port(flag: string, text: string | undefined): number | undefined {
  return wholeNumber(flag, text, 1, 65_535);
}

/** Ends the process when it is asked to, or npm is gone, after `stop`; asked a second time, at once. */
export function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false;
  const end = () => {
    if (stopping) return;
    stopping = true;
    console.log("\nStopping …");
    stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(130);
      end();
    });
  }
  whenNpmIsGone(end);
}

/**
 * npm runs a script in a shell. A signal to npm alone ends that shell too, and not the script: it would stay, with its
 * ports.
 */
export function whenNpmIsGone(end: () => void): void {
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const shell = process.ppid;
  const look = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(look);
    end();
  }, LOOK_EVERY_MS).unref();
}

/** Says what went wrong, without a stack: these are messages for the one who typed the command. */
export function fail(error: unknown): never {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
