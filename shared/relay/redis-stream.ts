import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { type RedisConnection, RedisUnavailable } from "../redis/redis-connection.ts";

/** A stream whose reader is gone goes with what is in it: when the lease of such an instance lapses. */
const KEPT_SECONDS = 15;

/** How long a read waits for something to arrive. Each renews the stream. */
const BLOCK_MS = 2_000;

/** Beyond the time that a command waits by itself. */
const ANSWER_MS = 1_000;

/** Entries of one read, and of a stream whose reader has fallen behind. */
const READ_MAX = 100;
const ENTRIES_MAX = 1_000;

export type Entry = Readonly<Record<string, string>>;

/** What a read answers: the stream with its entries, or nothing. */
const read = z
  .array(
    z.object({
      messages: z.array(z.object({ id: z.string(), message: z.record(z.string(), z.string()) })),
    }),
  )
  .nullable();

/**
 * A stream that one process reads, and any may write to. An entry that is in it has not been taken: its reader
 * takes it by deleting it, and whoever wrote it can withdraw it in the same way. One of them succeeds. So it is
 * read from its beginning, always; what Redis has lost is nowhere else in doubt.
 */
export class RedisStream<T> {
  readonly address: string;
  readonly #connection: RedisConnection;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #prepare: (entry: Entry) => Promise<T | undefined>;
  readonly #take: (message: T) => void;
  readonly #firstTry = Promise.withResolvers<void>();
  #open = false;
  #stopped = false;

  /**
   * Begins to read.
   *
   * @param deps.connection Is this stream's alone.
   * @param deps.prepare Reads an entry while it is being taken, and perhaps not for the last time. It throws
   *   nothing, and returns undefined for what there is nothing to do with.
   * @param deps.take Gets what was taken, in its order.
   */
  constructor(deps: {
    address: string;
    connection: RedisConnection;
    clock: Clock;
    log: Log;
    prepare: (entry: Entry) => Promise<T | undefined>;
    take: (message: T) => void;
  }) {
    this.address = deps.address;
    this.#connection = deps.connection;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#prepare = deps.prepare;
    this.#take = deps.take;
    void this.#run();
  }

  /** Whether what is written to it arrives. */
  get open(): boolean {
    return this.#open;
  }

  /** Resolves once it is known for the first time whether it is open. */
  get firstTried(): Promise<void> {
    return this.#firstTry.promise;
  }

  /** Reads no more, and ends the connection. */
  stop(): void {
    this.#stopped = true;
    this.#open = false;
    this.#firstTry.resolve();
    this.#connection.close();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#make();
        while (!this.#stopped) await this.#read();
      } catch (error) {
        // An outage is logged once, by the connection, which is made anew.
        if (!(error instanceof RedisUnavailable)) this.#log.error("redis-stream-failed", error);
        this.#open = false;
        this.#firstTry.resolve();
        if (!this.#stopped) await this.#clock.sleep(ANSWER_MS);
      }
    }
  }

  async #read(): Promise<void> {
    const key = streamKey(this.address);
    const from = { key, id: "0" };
    const reply: unknown = await this.#connection.run(BLOCK_MS + ANSWER_MS, (client) =>
      client.xRead(from, { BLOCK: BLOCK_MS, COUNT: READ_MAX }),
    );
    const entries = read.parse(reply)?.[0]?.messages ?? [];
    const prepared = entries.map(({ message }) => this.#prepare(message));
    // Sent together: one round trip.
    const [kept, ...taken] = await this.#connection.run(ANSWER_MS, (client) =>
      Promise.all([
        client.expire(key, KEPT_SECONDS),
        ...entries.map(({ id }) => client.xDel(key, id)),
      ]),
    );
    // Redis has lost it: to a restart, or to whoever emptied it.
    if (kept === 0) await this.#make();
    for (const [n, message] of (await Promise.all(prepared)).entries()) {
      if (taken[n] === 1 && message !== undefined) this.#take(message);
    }
  }

  /** Nobody writes to a stream that is not there: with its first entry it is. */
  async #make(): Promise<void> {
    const key = streamKey(this.address);
    await this.#connection.run(ANSWER_MS, (client) =>
      client.multi().xAdd(key, "*", { made: "" }).expire(key, KEPT_SECONDS).exec(),
    );
    if (this.#stopped) return;
    this.#open = true;
    this.#firstTry.resolve();
  }
}

function streamKey(address: string): string {
  return `relay:${address}`;
}

/**
 * Writes an entry to somebody's stream.
 *
 * @returns Its id, by which it can be withdrawn, or undefined where nobody reads that stream.
 * @throws RedisUnavailable
 */
export async function writeEntry(
  connection: RedisConnection,
  withinMs: number,
  address: string,
  entry: Entry,
): Promise<string | undefined> {
  const id = await connection.run(withinMs, (client) =>
    client.xAddNoMkStream(streamKey(address), "*", entry, {
      TRIM: { strategy: "MAXLEN", strategyModifier: "~", threshold: ENTRIES_MAX },
    }),
  );
  return id ?? undefined;
}

/**
 * Takes an entry back.
 *
 * @returns Whether it was there still: otherwise its reader has taken it, or Redis has lost it.
 * @throws RedisUnavailable
 */
export async function withdrawEntry(
  connection: RedisConnection,
  withinMs: number,
  address: string,
  id: string,
): Promise<boolean> {
  return (await connection.run(withinMs, (client) => client.xDel(streamKey(address), id))) === 1;
}
