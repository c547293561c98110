import { setTimeout as sleep } from "node:timers/promises";
import { serveCommands } from "../remote.ts";
import type { LoadClient, LoadTarget } from "./client.ts";
import { type Latencies, latencies } from "./latencies.ts";
import { openModernClient, openPlainClient, openSessionClient } from "./mcp-client.ts";
import { spin } from "./spin.ts";
import { openSseClient, openStream } from "./sse-client.ts";
import { type Heard, type Subscriber, subscriber } from "./subscriber.ts";
import { WireConnection } from "./wire.ts";
import { notification, type Word } from "./word.ts";

/** The ways to call a tool, and a function that is none. */
export type Protocol = "sse" | "mcp-2025" | "mcp-2026" | "plain";

const open: Record<Protocol, (target: LoadTarget) => Promise<LoadClient>> = {
  sse: openSseClient,
  "mcp-2025": openSessionClient,
  "mcp-2026": openModernClient,
  plain: openPlainClient,
};

/** What a load came to. Every answer was the right one. */
export interface LoadResult extends Latencies {
  readonly calls: number;
  readonly perSecond: number;
  /** The share of time in which this process was at work: at 1, it is what was measured. */
  readonly busy: number;
}

/** Of the mean time between two changes of one thing, so much passes at least: they must not be told as one. */
const APART = 0.2;

const people = new Map<string, readonly { protocol: Heard; subscriber: Subscriber }[]>();
const groups = new Map<string, readonly LoadClient[]>();
const idle: { close(): void }[] = [];
let texts = 0;

const commands = {
  /** Opens clients, to be called by the name of their group. */
  async connect({
    group,
    protocol,
    targets,
  }: {
    group: string;
    protocol: Protocol;
    targets: readonly LoadTarget[];
  }): Promise<void> {
    const clients = await Promise.all(targets.map((target) => open[protocol](target)));
    groups.set(group, [...(groups.get(group) ?? []), ...clients]);
  },

  /** Has the clients of a group call until so many calls are answered. */
  async warmUp({ group, calls }: { group: string; calls: number }): Promise<void> {
    let left = calls;
    await Promise.all(
      (groups.get(group) ?? []).map(async (client) => {
        while (left-- > 0) await client.call(`text-${++texts}`);
      }),
    );
  },

  /** Has every client of a group call again as soon as it is answered, for so long (ms). */
  async run({ group, ms }: { group: string; ms: number }): Promise<LoadResult> {
    const clients = groups.get(group) ?? [];
    const took: number[] = [];
    const startedAt = performance.now();
    const endsAt = startedAt + ms;
    const stopSpinning = spin(() => took.length);
    await Promise.all(
      clients.map(async (client) => {
        for (let from = performance.now(); from < endsAt;) {
          await client.call(`text-${++texts}`);
          const now = performance.now();
          took.push(now - from);
          from = now;
        }
      }),
    );
    const busy = stopSpinning();
    const seconds = (performance.now() - startedAt) / 1000;
    return {
      calls: took.length,
      perSecond: took.length / seconds,
      busy,
      ...latencies(took),
    };
  },

  /**
   * So many calls in a second by all clients of a group together, at times that nobody can foresee, for so
   * long (ms): how long a call takes while there is others' work, but no queue.
   */
  async pace({
    group,
    perSecond,
    ms,
  }: {
    group: string;
    perSecond: number;
    ms: number;
  }): Promise<Latencies> {
    const clients = groups.get(group) ?? [];
    const meanMs = (clients.length / perSecond) * 1000;
    const took: number[] = [];
    const endsAt = performance.now() + ms;
    await Promise.all(
      clients.map(async (client) => {
        for (;;) {
          await sleep(Math.random() * 2 * meanMs);
          const from = performance.now();
          if (from > endsAt) return;
          await client.call(`text-${++texts}`);
          took.push(performance.now() - from);
        }
      }),
    );
    return latencies(took);
  },

  /** One call of each client of a group, each a while after the one before. @returns How long each took (ms). */
  async once({ group, apartMs }: { group: string; apartMs: number }): Promise<number[]> {
    const clients = groups.get(group) ?? [];
    return Promise.all(
      clients.map(async (client, n) => {
        await sleep(n * apartMs);
        const from = performance.now();
        await client.call(`text-${++texts}`);
        return performance.now() - from;
      }),
    );
  },

  /** Opens clients that hear of the changes of one person's resource, under that person's name. */
  async listen({
    person,
    targets,
  }: {
    person: string;
    targets: readonly { protocol: Heard; target: LoadTarget }[];
  }): Promise<void> {
    const opened = targets.map(async ({ protocol, target }) => ({
      protocol,
      subscriber: await subscriber(protocol, target),
    }));
    people.set(person, await Promise.all(opened));
  },

  /**
   * Tells of changes, as Microsoft Graph does, and waits until all have heard of each.
   *
   * @param url Of the instance that is told.
   * @param words By person.
   * @param perSecond Of all people together, at times that nobody can foresee, for so long (ms); without it, once
   *   for each person, one after the other.
   * @returns How long each client waited (ms), from the first byte of the notification.
   */
  async tell({
    url,
    words,
    paced,
    apartMs = 0,
  }: {
    url: string;
    words: readonly { person: string; word: Word }[];
    paced?: { perSecond: number; ms: number };
    apartMs?: number;
  }): Promise<Record<Heard, number[]>> {
    const took: Record<Heard, number[]> = { sse: [], "mcp-2025": [], "mcp-2026": [] };
    const endsAt = performance.now() + (paced?.ms ?? 0);
    const meanMs = paced === undefined ? 0 : (words.length / paced.perSecond) * 1000;
    await Promise.all(
      words.map(async ({ person, word }, n) => {
        const connection = await WireConnection.open(url);
        const pause = () => meanMs * (APART + Math.random() * 2 * (1 - APART));
        let wait = paced === undefined ? n * apartMs : Math.random() * meanMs;
        do {
          await sleep(wait);
          const heard = (people.get(person) ?? []).map(async (client) => ({
            protocol: client.protocol,
            at: await client.subscriber.updated(),
          }));
          const from = performance.now();
          const { status } = await connection.post("/notifications", "", notification(word));
          if (status !== 202) throw new Error(`not taken: ${status}`);
          for (const { protocol, at } of await Promise.all(heard)) took[protocol].push(at - from);
          wait = pause();
        } while (performance.now() + wait < endsAt);
        connection.close();
      }),
    );
    return took;
  },

  async stopListening(): Promise<void> {
    for (const clients of people.values()) {
      for (const client of clients) client.subscriber.close();
    }
    people.clear();
  },

  async disconnect({ group }: { group: string }): Promise<void> {
    for (const client of groups.get(group) ?? []) client.close();
    groups.delete(group);
  },

  /** Opens streams that only listen. @returns How long it took (ms). */
  async openIdle({
    targets,
    atOnce,
  }: {
    targets: readonly LoadTarget[];
    atOnce: number;
  }): Promise<number> {
    const startedAt = performance.now();
    const waiting = targets[Symbol.iterator]();
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (const target of waiting) idle.push(await openStream(target, () => undefined));
      }),
    );
    return performance.now() - startedAt;
  },

  async closeIdle(): Promise<void> {
    for (const stream of idle.splice(0)) stream.close();
  },
};

export type Load = typeof commands;

serveCommands(commands);
