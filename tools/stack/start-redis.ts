import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { waitForPort } from "./ports.ts";

const START_TIMEOUT_MS = 10_000;

/** Whether there is a `redis-server` on this machine. */
export function hasRedis(): boolean {
  return spawnSync("redis-server", ["--version"]).status === 0;
}

export interface RunningRedis {
  readonly url: string;
  /** Ends it as a crash does. More than once is fine. */
  stop(): Promise<void>;
}

/** Starts a Redis that keeps nothing on disk, in a process of its own. @returns When it answers. */
export async function startRedis(port: number): Promise<RunningRedis> {
  const memoryOnly = ["--save", "", "--appendonly", "no"];
  const server = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", ...memoryOnly],
    { stdio: "ignore" },
  );
  await waitForPort(port, START_TIMEOUT_MS);
  return { url: `redis://127.0.0.1:${port}`, stop: () => stopServer(server) };
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGKILL");
  await exited;
}
