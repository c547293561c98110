import { setTimeout as sleep } from "node:timers/promises";
import type { LoadTarget } from "../load/client.ts";
import type { Load } from "../load/load-process.ts";
import { type Commands, type Remote, startRemote } from "../remote.ts";
import type { StreamFigures } from "../results.ts";
import type { BareSse } from "../servers/bare-sse.ts";
import { BACKGROUND, type OperationCounts, operationsOf } from "../servers/counting-store.ts";
import type { measuredProcess } from "../servers/measured-process.ts";
import { startOurs } from "../servers/start-ours.ts";

/** Streams that are opened at the same time. */
const AT_ONCE = 32;
const IDLE_MS = 5_000;
/** Sessions with new streams are looked at once within this time (`shared/mcp/stream-check.ts`). */
const SETTLED_MS = 22_000;
/** Opened before the first measurement: what the first streams make is made for all. */
const FIRST = 20;

const SERVER_FLAGS = ["--expose-gc"];

/**
 * Streams that only listen, each of a session of its own.
 *
 * @param tokens At least as many as the most streams.
 * @param counts How many streams, from few to many.
 */
export async function idleStreams(
  env: Readonly<Record<string, string>>,
  tokens: readonly string[],
  counts: readonly number[],
): Promise<StreamFigures[]> {
  const ours = await startOurs(SERVER_FLAGS);
  const url = await ours.ask("start", { env });
  const figures = await measured(ours, counts, {
    server: "ours",
    settledMs: SETTLED_MS,
    operations: () => ours.ask("operations"),
    target: (n) => ({ streamUrl: url, postUrl: url, token: tokens[n] }),
  });
  const bare = await startRemote<BareSse>(
    new URL("../servers/bare-sse.ts", import.meta.url),
    SERVER_FLAGS,
  );
  const bareUrl = await bare.ask("start");
  const others = await measured(bare, counts, {
    server: "bare",
    settledMs: 0,
    operations: async () => ({}),
    target: () => ({ streamUrl: bareUrl, postUrl: bareUrl }),
  });
  return [...figures, ...others];
}

interface Subject {
  readonly server: "ours" | "bare";
  /** After so long nothing is done any more because a stream is new. */
  readonly settledMs: number;
  readonly operations: () => Promise<OperationCounts>;
  readonly target: (n: number) => LoadTarget;
}

async function measured<C extends Commands & typeof measuredProcess>(
  server: Remote<C>,
  counts: readonly number[],
  subject: Subject,
): Promise<StreamFigures[]> {
  const { server: name, operations, target } = subject;
  const process = server as unknown as Remote<typeof measuredProcess>;
  const load = await startRemote<Load>(new URL("../load/load-process.ts", import.meta.url));
  let opened = 0;
  const openUpTo = async (count: number) => {
    const targets = Array.from({ length: count - opened }, (_, n) => target(opened + n));
    const ms = await load.ask("openIdle", { targets, atOnce: AT_ONCE });
    opened = count;
    return { perSecond: (targets.length / ms) * 1000, count: targets.length };
  };
  await openUpTo(FIRST);
  const empty = await process.ask("memory");
  const figures: StreamFigures[] = [];
  for (const count of counts) {
    await operations();
    const { perSecond, count: added } = await openUpTo(count);
    const opening = operationsOf(await operations(), "sse");
    const full = await process.ask("memory");
    const each = (bytes: number) => bytes / (count - FIRST) / 1024;
    figures.push({
      server: name,
      streams: count,
      heap: each(full.heapUsed - empty.heapUsed),
      external: each(full.external - empty.external),
      resident: each(full.rss - empty.rss),
      openedPerSecond: perSecond,
      operationsPerStream: opening / added,
      // At the number that one instance in Azure holds.
      idle: count === counts[0] ? await whileIdle(process, subject) : undefined,
    });
  }
  await load.stop();
  await server.stop();
  return figures;
}

/** What open streams cost while nothing happens on them. */
async function whileIdle(
  server: Remote<typeof measuredProcess>,
  { settledMs, operations }: Subject,
): Promise<StreamFigures["idle"]> {
  await sleep(settledMs);
  await operations();
  await server.ask("processorTime");
  await sleep(IDLE_MS);
  const processorMs = await server.ask("processorTime");
  const counted = operationsOf(await operations(), BACKGROUND);
  return {
    operationsPerSecond: (counted * 1000) / IDLE_MS,
    processorMillis: (processorMs * 1000) / IDLE_MS,
  };
}
