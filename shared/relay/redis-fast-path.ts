import { AsyncLocalStorage } from "node:async_hooks";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import { KeysUnavailable } from "../keys/key-wrapper.ts";
import type { Sealer } from "../keys/seal.ts";
import type { Log } from "../log.ts";
import { type Random, randomId } from "../random.ts";
import { deadline, LATE } from "../redis/deadline.ts";
import type { Redis } from "../redis/redis.ts";
import { RedisUnavailable } from "../redis/redis-connection.ts";
import { StorageUnavailable } from "../storage/store.ts";
import { type Envelope, envelopeSchema } from "./envelope.ts";
import type { FastPath, ReceiveFast, Sent } from "./fast-path.ts";
import { type Entry, RedisStream, withdrawEntry, writeEntry } from "./redis-stream.ts";

/** A request waits for Redis no longer than for both together. */
const TAKEN_WITHIN_MS = 200;
const WITHDRAWN_WITHIN_MS = 50;

/** Characters of a message. What is longer goes through the inbox: the others need not wait for it. */
const TEXT_MAX = 500_000;

/**
 * A copy of an old entry must not run again: so old it is not taken. Ids are remembered for twice as long
 * (`receiver.ts`), since clocks differ.
 */
const FRESH_MS = 300_000;

const content = z.object({ at: z.number(), envelope: envelopeSchema });

/** What has arrived, and from whose stream. */
interface Message {
  readonly id: string;
  readonly from: string;
  readonly envelope: Envelope;
}

/**
 * Messages between instances by way of Redis: each writes to the stream of the other, see `redis-stream.ts`.
 * Whoever takes a message says so on the stream of its sender, which therefore reads one too, from its first
 * message on. A message that is not taken in time is withdrawn.
 */
export class RedisFastPath implements FastPath {
  readonly #redis: Redis;
  readonly #sealer: Sealer;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  /** By their ids, the messages that were sent from here and wait to be taken. */
  readonly #pending = new Map<string, () => void>();
  /** What arrives is not the work of the request that happened to send first. */
  readonly #outside = AsyncLocalStorage.snapshot();
  #stream: RedisStream<Message> | undefined;
  #receive: ReceiveFast | undefined;
  #stopped = false;

  constructor(deps: { redis: Redis; sealer: Sealer; clock: Clock; random: Random; log: Log }) {
    this.#redis = deps.redis;
    this.#sealer = deps.sealer;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#log = deps.log;
  }

  get healthy(): boolean {
    return this.#receive !== undefined && this.#stream?.open === true;
  }

  start(instance: string, receive: ReceiveFast): void {
    if (this.#stopped) return;
    this.#receive = receive;
    if (this.#stream?.address === instance) return;
    this.#stream?.stop();
    this.#stream = this.#read(instance);
  }

  stop(): void {
    this.#stopped = true;
    this.#stream?.stop();
  }

  async send(instance: string, id: string, envelope: Envelope): Promise<Sent> {
    if (this.#stopped) return "refused";
    // An instance without streams has no name yet that others know. To be told what was taken, any will do.
    this.#stream ??= this.#read(randomId(this.#random));
    const { address } = this.#stream;
    const inTime = deadline(this.#clock, TAKEN_WITHIN_MS);
    const lateAt = this.#clock.now() + TAKEN_WITHIN_MS;
    const body = await inTime(this.#prepare(this.#stream, instance, id, envelope));
    if (body === undefined || body === LATE) return "refused";

    const taken = Promise.withResolvers<void>();
    this.#pending.set(id, taken.resolve);
    try {
      const { commands } = this.#redis;
      const left = Math.max(1, lateAt - this.#clock.now());
      const entry = await writeEntry(commands, left, instance, { id, from: address, body });
      if (entry === undefined) return "refused";
      if ((await inTime(taken.promise)) !== LATE) return "taken";
      const withdrawn = await withdrawEntry(commands, WITHDRAWN_WITHIN_MS, instance, entry);
      return withdrawn ? "refused" : "unknown";
    } catch (error) {
      return error instanceof RedisUnavailable && !error.sent ? "refused" : "unknown";
    } finally {
      this.#pending.delete(id);
    }
  }

  /** @returns The sealed message, or undefined where it cannot go this way. */
  async #prepare(
    stream: RedisStream<Message>,
    instance: string,
    id: string,
    envelope: Envelope,
  ): Promise<string | undefined> {
    const text = JSON.stringify({ at: this.#clock.now(), envelope });
    if (text.length > TEXT_MAX) return undefined;
    await stream.firstTried;
    if (!stream.open) return undefined;
    try {
      return await this.#sealer.seal("relay", binding(instance, id), text);
    } catch {
      // The inbox is sealed in the same way: it says what is wrong.
      return undefined;
    }
  }

  #read(address: string): RedisStream<Message> {
    const stream = {
      address,
      connection: this.#redis.connection(),
      clock: this.#clock,
      log: this.#log,
      prepare: (entry: Entry) => this.#open(address, entry),
      // Begun in the order of their arrival, and none waits for another to end.
      take: (message: Message) => void this.#handOn(message),
    };
    return this.#outside(() => new RedisStream(stream));
  }

  async #open(address: string, entry: Entry): Promise<Message | undefined> {
    const { taken, id, from, body } = entry;
    if (taken !== undefined) this.#pending.get(taken)?.();
    if (id === undefined || from === undefined || body === undefined) return undefined;
    try {
      const text = await this.#sealer.open("relay", binding(address, id), body);
      const { at, envelope } = content.parse(JSON.parse(text));
      if (Math.abs(this.#clock.now() - at) > FRESH_MS) throw new Error("it is too old");
      return { id, from, envelope };
    } catch (error) {
      // Whoever sent it, if it is one of ours, writes it to the inbox.
      if (!isOutage(error)) this.#log.error("relayed-message-unreadable", error, { message: id });
      return undefined;
    }
  }

  async #handOn({ id, from, envelope }: Message): Promise<void> {
    try {
      if ((await this.#receive?.(id, envelope)) !== true) return;
      await writeEntry(this.#redis.commands, TAKEN_WITHIN_MS, from, { taken: id });
    } catch (error) {
      if (!isOutage(error)) this.#log.error("relayed-message-failed", error, { message: id });
    }
  }
}

/** It opens for this message at this instance, and in Redis only. */
function binding(instance: string, id: string): string {
  return `redis ${instance} ${id}`;
}

function isOutage(error: unknown): boolean {
  return (
    error instanceof RedisUnavailable ||
    error instanceof StorageUnavailable ||
    error instanceof KeysUnavailable
  );
}
