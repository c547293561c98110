import { decodeJwt } from "jose";
import { z } from "zod";
import { features as product } from "../../shared/features/all.ts";
import { defineTool, type Features } from "../../shared/features/feature.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { OAuthTestClient } from "./oauth-client.ts";
import { ResumingClient } from "./resuming-client.ts";
import { ReturningClient } from "./returning-client.ts";
import type { Account } from "./sign-in.ts";
import { createTestApp } from "./test-app.ts";
import { QuickClock } from "./quick-clock.ts";
import type { TroubledRedis } from "./troubled-redis.ts";
import { type Mishap, UnsteadyStore } from "./unsteady-store.ts";
import type { Call, Reachable } from "./world-client.ts";

/** Something that a client does, or that happens to an instance, or to Redis. */
export interface Step {
  readonly kind:
    | "post"
    | "slow post"
    | "drop"
    | "shutdown"
    | "outage"
    | "freeze"
    | "kill"
    | "redis slow"
    | "redis loses all"
    | "redis restarts"
    | "redis unreachable";
  readonly client: number;
  readonly instance: number;
  /** What passes before the next one (ms of the server's time). */
  readonly pauseMs: number;
}

export interface World {
  readonly seed: number;
  /** What each client speaks. */
  readonly clients: readonly ("sse" | "sessions")[];
  /** Whether instances have a Redis, where there is one. */
  readonly withRedis: boolean;
  /** One of these comes with each operation of storage. */
  readonly mishaps: readonly Mishap[];
  readonly steps: readonly Step[];
}

interface Instance extends Reachable {
  readonly store: UnsteadyStore;
  readonly vanish: () => void;
  /** Whether the front end sends requests to it. */
  reachable: boolean;
}

const INSTANCES = 3;

/** So long (ms) it may take until all is answered, once nothing happens any more. */
const SETTLED_WITHIN_MS = 60_000;

const OUTAGE_MS = 2_000;

/** Of a slow Redis, ms on the wall: beyond what a request waits for it, at times. */
const SLOW_MS = 30;

/** Access tokens are good for an hour. */
const SIGNED_IN_FOR_MS = 1_800_000;

/** Instances of the server in this process, on storage that is as bad as a test wants it, and clients of theirs. */
export class TroubledCluster {
  readonly #entraUrl: string;
  readonly #clock = new QuickClock();
  readonly #memory = new MemoryStore(this.#clock);
  readonly #accounts: readonly Account[];
  readonly #redis: TroubledRedis | undefined;
  #tokens: string[] = [];
  #signedInAt = -Infinity;

  /** @param accounts Who have a client each. */
  constructor(entraUrl: string, accounts: readonly Account[], redis?: TroubledRedis) {
    this.#entraUrl = entraUrl;
    this.#accounts = accounts;
    this.#redis = redis;
  }

  /**
   * Lets a world go by.
   *
   * @param open Which calls are still to be waited for in the end.
   * @returns What the clients know, and how often each call ran.
   */
  async run(world: World, open: (call: Call) => boolean) {
    const { seed, mishaps, steps } = world;
    await this.#signIn();
    await this.#forgetEarlierRuns();
    const random = randomNumbers(seed);
    const runs = new Map<string, number>();
    const features = countingFeatures(this.#clock, runs);
    const chance = new Chance(random, mishaps);
    const instances: Instance[] = [];
    const start = () => {
      const instance = this.#start(chance, features, world.withRedis);
      instances.push(instance);
      return instance;
    };
    for (let n = 0; n < INSTANCES; n++) start();
    const there = () => instances.filter(({ reachable }) => reachable);
    const front = () => there()[random(there().length)] ?? start();
    const clients = this.#tokens.map((token, n) => {
      const Client = world.clients[n] === "sessions" ? ResumingClient : ReturningClient;
      return new Client(token, this.#clock, front);
    });
    await Promise.all(clients.map((client) => client.connect()));
    chance.troubled = true;

    const passing: Promise<unknown>[] = [];
    for (const step of steps) {
      const client = clients[step.client];
      const instance = there()[step.instance % there().length];
      if (client === undefined || instance === undefined) continue;
      switch (step.kind) {
        case "post":
        case "slow post":
          client.post(instance, step.kind === "slow post");
          break;
        case "drop":
          passing.push(client.drop());
          break;
        case "shutdown":
          start();
          instance.reachable = false;
          passing.push(instance.app.app.close().then(instance.vanish));
          break;
        case "outage":
          passing.push(this.#outage(instance));
          break;
        case "freeze":
          start();
          passing.push(this.#freeze(instance));
          break;
        case "kill":
          start();
          this.#kill(instance);
          break;
        case "redis slow":
        case "redis loses all":
        case "redis restarts":
        case "redis unreachable":
          passing.push(this.#trouble(step.kind, random));
          break;
      }
      if (step.pauseMs > 0) await this.#clock.sleep(step.pauseMs);
    }
    await Promise.all(passing);
    chance.troubled = false;
    await Promise.all(clients.map((client) => client.settled(open, SETTLED_WITHIN_MS)));
    // What runs twice does so late.
    await this.#clock.sleep(500);
    await Promise.all(clients.map((client) => client.leave()));
    // What was killed comes back, as if it had been frozen for long: nobody counts on it any more.
    for (const { store } of instances) store.thaw();
    await Promise.all(instances.map(({ app }) => app.app.close()));
    return {
      calls: clients.flatMap(({ calls }) => calls),
      runs,
      logs: instances.flatMap((it, n) => it.app.log.map((l) => `${n} ${l}`)),
    };
  }

  #start(chance: Chance, features: Features, withRedis: boolean): Instance {
    const store = new UnsteadyStore(this.#memory, chance);
    const { promise: gone, resolve: vanish } = Promise.withResolvers<void>();
    const clock = this.#clock;
    const env = withRedis && this.#redis ? { REDIS_URL: this.#redis.url } : {};
    const app = createTestApp({ entraUrl: this.#entraUrl, store, clock, features, env });
    return { app, store, gone, vanish, reachable: true };
  }

  /** Once for many runs. */
  async #signIn(): Promise<void> {
    if (this.#clock.now() - this.#signedInAt < SIGNED_IN_FOR_MS) return;
    const app = createTestApp({
      entraUrl: this.#entraUrl,
      store: this.#memory,
      clock: this.#clock,
    });
    this.#tokens = [];
    for (const account of this.#accounts) {
      const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
      this.#tokens.push((await client.tokens(account)).access_token);
    }
    this.#signedInAt = this.#clock.now();
    await app.app.close();
  }

  async #outage({ store }: Instance): Promise<void> {
    store.down = true;
    await this.#clock.sleep(OUTAGE_MS);
    store.down = false;
  }

  async #trouble(kind: Step["kind"], random: (below: number) => number): Promise<void> {
    const redis = this.#redis;
    if (kind === "redis loses all") await redis?.lose();
    if (kind === "redis restarts") await redis?.restart();
    if (redis === undefined) return;
    if (kind === "redis slow") redis.delay = () => random(SLOW_MS);
    if (kind === "redis unreachable") redis.shut = true;
    await this.#clock.sleep(OUTAGE_MS);
    redis.delay = () => 0;
    redis.shut = false;
  }

  async #freeze(instance: Instance): Promise<void> {
    instance.reachable = false;
    instance.store.freeze();
    this.#clock.advance({ seconds: 16 });
    await this.#clock.sleep(OUTAGE_MS);
    instance.store.thaw();
    instance.reachable = true;
  }

  #kill(instance: Instance): void {
    instance.reachable = false;
    instance.store.freeze();
    instance.vanish();
    this.#clock.advance({ seconds: 16 });
  }

  async #forgetEarlierRuns(): Promise<void> {
    const people = this.#tokens.map((token) => decodeJwt(token).sub ?? "");
    for (const [table, partition] of [
      ["instances", "live"] as const,
      ...people.map((person) => ["connections", person] as const),
    ]) {
      for (const { key } of await Array.fromAsync(this.#memory.list(table, partition))) {
        await this.#memory.delete(table, key);
      }
    }
  }
}

/** What becomes of operations of storage. It is remembered with the stores of a world, and must not hold the rest of it. */
class Chance {
  troubled = false;
  readonly mishap: () => Mishap;
  readonly delay: () => number;

  constructor(random: (below: number) => number, mishaps: readonly Mishap[]) {
    this.mishap = () => (this.troubled ? (mishaps[random(mishaps.length)] ?? "none") : "none");
    this.delay = () => random(4);
  }
}

/** The product's features, and a tool that counts how often it runs. */
function countingFeatures(clock: QuickClock, runs: Map<string, number>): Features {
  const count = defineTool({
    name: "count",
    title: "Count",
    description: "Counts its runs.",
    input: z.object({ text: z.string(), wait: z.boolean() }),
    async run({ text, wait }, call) {
      runs.set(text, (runs.get(text) ?? 0) + 1);
      // Said on a stream: who has lost that comes back for the rest.
      if (wait) await call.progress({ progress: 0 });
      if (wait) await clock.sleep(1_000);
      return text;
    },
  });
  return { ...product, tools: [...product.tools, count] };
}

/** @returns Numbers from 0 up to a bound, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
