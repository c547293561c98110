import { AsyncLocalStorage } from "node:async_hooks";
import type { Clock } from "../clock.ts";
import { deadline, LATE } from "./deadline.ts";
import type { RedisClient } from "./redis-client.ts";

/** Signing in included. */
const CONNECT_MS = 5_000;

/** After a failure nobody waits for Redis for so long; then the connection is made anew. */
const REST_MS = 1_000;

/** Redis is not there, does not answer in time, or refuses. */
export class RedisUnavailable extends Error {
  override name = "RedisUnavailable";
  /** Whether the command had gone out: it may have been carried out all the same. */
  readonly sent: boolean;

  constructor(message: string, options: ErrorOptions & { sent: boolean }) {
    super(message, options);
    this.sent = options.sent;
  }
}

/** Hears how a connection fares. */
export interface Outages {
  /** It cannot be made, has broken, or does not answer in time. */
  failed(connection: RedisConnection, error: unknown): void;
  /** A command was answered. */
  works(connection: RedisConnection): void;
  /** It was closed from here: what becomes of it is nobody's concern. */
  closed(connection: RedisConnection): void;
}

/**
 * One connection to Redis, made when it is first used. One that breaks, or on which a command fails, is made anew
 * a moment later; one that is slow is left alone for a moment, and made anew if it has not answered then, for a
 * half-open connection would never break by itself. Meanwhile commands fail at once.
 */
export class RedisConnection {
  readonly #create: () => Promise<RedisClient>;
  readonly #clock: Clock;
  readonly #outages: Outages;
  readonly #firstTry = Promise.withResolvers<void>();
  /** It outlives the request that was the first to use it. */
  readonly #outside = AsyncLocalStorage.snapshot();
  /** The latest, connected or not yet. */
  #client: RedisClient | undefined;
  #state: "new" | "connecting" | "ready" | "resting" | "closed" = "new";

  /** @param deps.create Makes a client that neither is connected nor connects again by itself. */
  constructor(deps: { create: () => Promise<RedisClient>; clock: Clock; outages: Outages }) {
    this.#create = deps.create;
    this.#clock = deps.clock;
    this.#outages = deps.outages;
  }

  /**
   * Runs a command, or several that are sent together.
   *
   * @param withinMs How long to wait for the answer, and as long again for the very first connection.
   * @throws RedisUnavailable
   */
  async run<T>(withinMs: number, command: (client: RedisClient) => Promise<T>): Promise<T> {
    if (this.#state === "new") this.#outside(() => void this.#connect());
    if (this.#state === "connecting") {
      await deadline(this.#clock, withinMs)(this.#firstTry.promise);
    }
    const client = this.#client;
    if (client === undefined || this.#state !== "ready") {
      throw new RedisUnavailable("Redis is not connected", { sent: false });
    }
    const answer = command(client);
    answer.then(
      () => this.#outages.works(this),
      (error: unknown) => this.#drop(client, error),
    );
    let inTime: T | typeof LATE;
    try {
      inTime = await deadline(this.#clock, withinMs)(answer);
    } catch (cause) {
      throw new RedisUnavailable("Redis does not work", { cause, sent: true });
    }
    if (inTime !== LATE) return inTime;
    const late = new RedisUnavailable(`no answer within ${withinMs} ms`, { sent: true });
    void this.#rest(client, answer, late);
    throw late;
  }

  /** Ends the connection, for good. */
  close(): void {
    this.#state = "closed";
    this.#firstTry.resolve();
    this.#client?.destroy();
    this.#outages.closed(this);
  }

  async #connect(): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "connecting";
    while (this.#state === "connecting" && !(await this.#tryToConnect())) {
      await this.#clock.sleep(REST_MS);
    }
  }

  async #tryToConnect(): Promise<boolean> {
    let client: RedisClient | undefined;
    try {
      client = await this.#create();
      const created = client;
      this.#client = created;
      created.on("error", (error) => this.#drop(created, error));
      if (this.#state !== "connecting") return false;
      const connected = await deadline(this.#clock, CONNECT_MS)(created.connect());
      if (connected === LATE) throw new Error(`no connection within ${CONNECT_MS} ms`);
      if (this.#state !== "connecting") return false;
      this.#state = "ready";
      return true;
    } catch (error) {
      client?.destroy();
      if (this.#state !== "closed") this.#outages.failed(this, error);
      return false;
    } finally {
      this.#firstTry.resolve();
    }
  }

  async #rest(client: RedisClient, answer: Promise<unknown>, late: Error): Promise<void> {
    if (this.#state !== "ready") return;
    this.#state = "resting";
    this.#outages.failed(this, late);
    const waited = deadline(this.#clock, REST_MS)(answer).catch(() => LATE);
    await this.#clock.sleep(REST_MS);
    if ((await waited) === LATE) this.#drop(client, late);
    else if (this.#state === "resting") this.#state = "ready";
  }

  #drop(client: RedisClient, error: unknown): void {
    if (client !== this.#client) return;
    if (this.#state !== "ready" && this.#state !== "resting") return;
    this.#state = "connecting";
    this.#outages.failed(this, error);
    client.destroy();
    void this.#clock.sleep(REST_MS).then(() => this.#connect());
  }
}
