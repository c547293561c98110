import { createClient } from "@redis/client";
import { describe } from "vitest";
import { freePort } from "../../tools/stack/ports.ts";
import { hasRedis, startRedis } from "../../tools/stack/start-redis.ts";

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

const installed = hasRedis();
if (!installed) {
  if (process.env["REQUIRE_ALL"] === "1") throw new Error("redis-server is not installed");
  console.warn("SKIPPED: the tests with Redis, for there is no redis-server here.");
}

/** As `describe`; skipped where no Redis is installed. */
export const describeWithRedis = describe.runIf(installed);

export async function startTestRedis(): Promise<TestRedis> {
  const port = await freePort();
  let server = await startRedis(port);
  const { url } = server;
  const clients: { destroy(): void }[] = [];
  const connected = async () => {
    const client = createClient({ url, socket: { reconnectStrategy: false } });
    client.on("error", () => undefined);
    clients.push(client);
    await client.connect();
    return client;
  };
  return {
    url,
    port,
    stop() {
      for (const client of clients) client.destroy();
      return server.stop();
    },
    async restart() {
      await server.stop();
      server = await startRedis(port);
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
