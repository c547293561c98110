import { vi } from "vitest";
import { systemRandom } from "../../shared/random.ts";
import { Redis } from "../../shared/redis/redis.ts";
import type { Envelope } from "../../shared/relay/envelope.ts";
import type { ReceiveFast } from "../../shared/relay/fast-path.ts";
import { RedisFastPath } from "../../shared/relay/redis-fast-path.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { createSessionParts } from "./parts.ts";
import { recordedLog } from "./recorded-log.ts";
import { startTcpGate, type TcpGate } from "./tcp-gate.ts";
import { startTestRedis, type TestRedis } from "./test-redis.ts";
import { WaitingClock } from "./waiting-clock.ts";

/** What a request may lose to Redis, and what a busy machine adds. */
export const AT_MOST_MS = 250 + 250;

const READY = { timeout: 15_000 };

/** What arrives at an instance, by id. */
export class Arrivals {
  readonly ids: string[] = [];
  answer: () => boolean = () => true;
  readonly receive: ReceiveFast = async (id) => {
    this.ids.push(id);
    return this.answer();
  };
}

/** Processes that send each other messages by way of a Redis of their own, which share their keys. */
export class FastPaths {
  readonly server: TestRedis;
  /** Another way to the same Redis. */
  readonly gate: TcpGate;
  readonly clock = new WaitingClock();
  readonly #log = recordedLog();
  readonly #store = new MemoryStore(this.clock);
  readonly #ends: (() => void)[] = [];

  private constructor(server: TestRedis, gate: TcpGate) {
    this.server = server;
    this.gate = gate;
  }

  static async start(): Promise<FastPaths> {
    const server = await startTestRedis();
    return new FastPaths(server, await startTcpGate(server.port));
  }

  /** The way as one process has it. */
  process(by: "directly" | "gate" = "directly"): RedisFastPath {
    const { clock } = this;
    const url = by === "gate" ? `redis://127.0.0.1:${this.gate.port}` : this.server.url;
    const { log } = this.#log;
    const redis = new Redis({ url, clock, log });
    const { sealer } = createSessionParts({ store: this.#store, clock });
    const path = new RedisFastPath({ redis, sealer, clock, random: systemRandom, log });
    this.#ends.push(() => {
      path.stop();
      redis.close();
    });
    return path;
  }

  /** A process that holds streams, and is found by this name. */
  async instance(name: string, by?: "directly" | "gate") {
    const path = this.process(by);
    const arrivals = new Arrivals();
    path.start(name, arrivals.receive);
    await vi.waitUntil(() => path.healthy, READY);
    return { path, arrivals };
  }

  /** A process without streams, which has been heard before. */
  async sender(to: string, by?: "directly" | "gate"): Promise<RedisFastPath> {
    const path = this.process(by);
    await vi.waitUntil(async () => (await path.send(to, "warm", ended())) === "taken", READY);
    return path;
  }

  get log(): readonly string[] {
    return this.#log.lines;
  }

  /** How often something was logged. */
  events(name: string): number {
    return this.#log.lines.filter((line) => line.includes(`"${name}"`)).length;
  }

  /** Ends the processes. */
  end(): void {
    for (const end of this.#ends) end();
  }

  async stop(): Promise<void> {
    this.end();
    await this.gate.stop();
    await this.server.stop();
  }
}

export const ended = (sessionId = "session"): Envelope => ({ kind: "session-ended", sessionId });

export async function timed<T>(work: Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now();
  const result = await work;
  return { result, ms: performance.now() - startedAt };
}
