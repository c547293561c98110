import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createClient } from "@redis/client";
import { describe } from "vitest";
import { freePort, waitForPort } from "../../tools/stack/ports.ts";

const START_TIMEOUT_MS = 10_000;

/** A real Redis on a port of its own, which keeps nothing on disk. */
export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** Ends it as a crash does; the port answers nobody then. More than once is fine. */
  stop(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
  /** Runs a command, past everything that is under test. */
  command(...args: string[]): Promise<unknown>;
  /** @returns Every command that it gets from now on, as they come. */
  monitor(): Promise<readonly string[]>;
}

const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedis) {
  if (process.env["REQUIRE_ALL"] === "1") throw new Error("redis-server is not installed");
  console.warn("SKIPPED: the tests with Redis, for there is no redis-server here.");
}

/** As `describe`; skipped where no Redis is installed. */
export const describeWithRedis = describe.runIf(hasRedis);

export async function startTestRedis(): Promise<TestRedis> {
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const clients: { destroy(): void }[] = [];
  const connected = async () => {
    const client = createClient({ url, socket: { reconnectStrategy: false } });
    client.on("error", () => undefined);
    clients.push(client);
    await client.connect();
    return client;
  };
  let server = await startServer(port);
  return {
    url,
    port,
    stop() {
      for (const client of clients) client.destroy();
      return stopServer(server);
    },
    async restart() {
      await stopServer(server);
      server = await startServer(port);
    },
    async command(...args) {
      const client = await connected();
      try {
        return await client.sendCommand(args);
      } finally {
        client.destroy();
      }
    },
    async monitor() {
      const commands: string[] = [];
      const client = await connected();
      await client.monitor((line) => commands.push(line));
      return commands;
    },
  };
}

async function startServer(port: number): Promise<ChildProcess> {
  const memoryOnly = ["--save", "", "--appendonly", "no"];
  const server = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", ...memoryOnly],
    { stdio: "ignore" },
  );
  await waitForPort(port, START_TIMEOUT_MS);
  return server;
}

async function stopServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, "exit");
  server.kill("SIGKILL");
  await exited;
}
