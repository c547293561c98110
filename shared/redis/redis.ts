import type { RedisClientOptions } from "@redis/client";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { EntraCredentials } from "./entra-credentials.ts";
import { type Outages, RedisConnection } from "./redis-connection.ts";

/**
 * The Redis of this installation: what instances tell each other through it is gone when it is, and nobody is
 * the worse for it. It is looked for when it is first used.
 */
export class Redis implements Outages {
  readonly #options: RedisClientOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #out = new Set<RedisConnection>();
  /** For commands that are answered at once. */
  readonly commands: RedisConnection;

  /**
   * @param deps.url `redis://` or `rediss://`, as `config.ts` lets it pass.
   * @param deps.credentials Who signs in; with none, whom the URL names.
   */
  constructor(deps: {
    url: string;
    credentials?: EntraCredentials | undefined;
    clock: Clock;
    log: Log;
  }) {
    this.#options = {
      url: deps.url,
      ...(deps.credentials && { credentialsProvider: deps.credentials }),
      disableOfflineQueue: true,
      // A connection that fails is made anew by `RedisConnection`, which also times its commands.
      socket: { reconnectStrategy: false },
      commandOptions: { timeout: 0 },
      maintNotifications: "disabled",
    };
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.commands = this.connection();
  }

  /** @returns A connection of its own, for commands that block it. */
  connection(): RedisConnection {
    return new RedisConnection({
      // Loaded when it is needed: it takes longer to load than all that a server without Redis needs.
      create: async () => (await import("./redis-client.ts")).createRedisClient(this.#options),
      clock: this.#clock,
      outages: this,
    });
  }

  /** An outage is logged once, however many connections it takes with it. */
  failed(connection: RedisConnection, error: unknown): void {
    if (this.#out.size === 0) this.#log.error("redis-out", error);
    this.#out.add(connection);
  }

  works(connection: RedisConnection): void {
    if (this.#out.delete(connection) && this.#out.size === 0) this.#log.info("redis-back");
  }

  closed(connection: RedisConnection): void {
    this.#out.delete(connection);
  }

  /** Ends the connection for commands; the others are ended by who has asked for them. */
  close(): void {
    this.commands.close();
  }
}
