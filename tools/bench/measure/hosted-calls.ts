import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startFunctionsHost } from "../../functions-host/start-functions-host.ts";
import type { Load, Protocol } from "../load/load-process.ts";
import type { Remote } from "../remote.ts";
import type { Comparison } from "../results.ts";
import { comparedCalls, type Measured, type Rounds } from "./compared-calls.ts";
import { clients } from "./direct-calls.ts";

/** Of `/proc/PID/stat`: user and system time, in hundredths of a second. */
const USER_TIME = 13;
const SYSTEM_TIME = 14;

export interface HostedCallsOptions extends Rounds {
  /** Where the deployment package is. */
  readonly packageRoot: URL;
  readonly env: Readonly<Record<string, string>>;
  readonly tokens: readonly string[];
}

/**
 * The same through the whole of Functions, as far as that is there: the built package on the library, in the
 * local host; held against a function in the same host that does nothing.
 */
export async function hostedCalls(
  load: Remote<Load>,
  { packageRoot, env, tokens, ...rounds }: HostedCallsOptions,
): Promise<Comparison[]> {
  const ours = await startFunctionsHost({
    root: fileURLToPath(packageRoot),
    port: 0,
    env,
    settingsFile: "none",
  });
  const trivial = await startFunctionsHost({
    root: fileURLToPath(new URL("../trivial-function/", import.meta.url)),
    port: 0,
    settingsFile: "none",
  });
  const [app, function_] = [ours.instances[0], trivial.instances[0]];
  if (app === undefined || function_ === undefined) throw new Error("a host without an instance");
  const through = (protocol: Protocol): Measured => ({
    protocol,
    processorTime: processorTimeOf(app.pid),
    targets: clients(app.url, tokens),
  });
  const bare: Measured = {
    protocol: "plain",
    processorTime: processorTimeOf(function_.pid),
    targets: clients(function_.url),
  };
  const compared: Comparison[] = [];
  for (const [protocol, spoken] of [
    ["/sse", "sse"],
    ["/mcp, 2025-11-25", "mcp-2025"],
    ["/mcp, 2026-07-28", "mcp-2026"],
  ] as const) {
    compared.push(await comparedCalls(load, { protocol, ours: through(spoken), bare, ...rounds }));
  }
  await ours.stop();
  await trivial.stop();
  return compared;
}

/** @returns The processor time of a process, since it was asked last (ms); front, worker and all. */
function processorTimeOf(pid: number | undefined): () => Promise<number> {
  const read = () => {
    // Not to be had outside of Linux: then the column is empty.
    const fields = readStat(pid).split(" ");
    return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) * 10;
  };
  let last = read();
  return async () => {
    const now = read();
    const used = now - last;
    last = now;
    return used;
  };
}

function readStat(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return "";
  }
}
