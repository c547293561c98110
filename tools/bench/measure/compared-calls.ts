import type { Load, LoadResult, Protocol } from "../load/load-process.ts";
import type { LoadTarget } from "../load/client.ts";
import { median } from "../load/latencies.ts";
import type { Remote } from "../remote.ts";
import type { Comparison, LoadFigures } from "../results.ts";
import { BACKGROUND, type OperationCounts, operationsOf } from "../servers/counting-store.ts";
import type { Profile } from "../servers/profile.ts";

const PROFILE_MS = 2_000;

/** A server under load. */
export interface Measured {
  /** @returns Processor time since it was asked last (ms). */
  readonly processorTime: () => Promise<number>;
  readonly protocol: Protocol;
  readonly targets: readonly LoadTarget[];
  readonly operations?: () => Promise<OperationCounts>;
  readonly profile?: (ms: number) => Promise<Profile>;
}

/** How long the load goes on. */
export interface Rounds {
  readonly rounds: number;
  /** Of one round on one server (ms). */
  readonly roundMs: number;
  /** Calls before the first round, on each: so many until the code is compiled. */
  readonly warmUpCalls: number;
}

export interface ComparedCallsOptions extends Rounds {
  readonly protocol: string;
  readonly ours: Measured;
  readonly bare: Measured;
}

interface Round {
  readonly load: LoadResult;
  readonly processorMs: number;
}

/** Puts the same load on both in turns, so that whatever else the machine does is done to both. */
export async function comparedCalls(
  load: Remote<Load>,
  options: ComparedCallsOptions,
): Promise<Comparison> {
  const { ours, bare, rounds, roundMs, warmUpCalls, protocol } = options;
  const servers = { ours, bare };
  for (const [group, { protocol: spoken, targets }] of Object.entries(servers)) {
    await load.ask("connect", { group, protocol: spoken, targets });
    await load.ask("warmUp", { group, calls: warmUpCalls });
  }
  await ours.operations?.();
  const taken: { ours: Round; bare: Round }[] = [];
  for (let n = 0; n < rounds; n++) {
    taken.push({
      ours: await round(load, "ours", ours, roundMs),
      bare: await round(load, "bare", bare, roundMs),
    });
  }
  const operations = await ours.operations?.();
  const profile = await profiled(load, ours, PROFILE_MS);
  for (const group of Object.keys(servers)) await load.ask("disconnect", { group });
  return {
    protocol,
    ours: figures(taken.map((it) => it.ours)),
    bare: figures(taken.map((it) => it.bare)),
    ratio: median(taken.map((it) => it.ours.load.perSecond / it.bare.load.perSecond)),
    loadBusy: Math.max(...taken.flatMap((it) => [it.ours.load.busy, it.bare.load.busy])),
    ...(operations !== undefined && {
      operationsPerCall:
        (total(operations) - operationsOf(operations, BACKGROUND)) /
        taken.reduce((sum, it) => sum + it.ours.load.calls, 0),
    }),
    ...(profile !== undefined && { profile }),
  };
}

async function round(
  load: Remote<Load>,
  group: string,
  server: Measured,
  ms: number,
): Promise<Round> {
  await server.processorTime();
  return {
    load: await load.ask("run", { group, ms }),
    processorMs: await server.processorTime(),
  };
}

/** In a round of its own, for it costs what it measures. */
async function profiled(
  load: Remote<Load>,
  { profile }: Measured,
  ms: number,
): Promise<Profile | undefined> {
  if (profile === undefined) return undefined;
  const [recorded] = await Promise.all([
    profile(ms),
    load.ask("run", { group: "ours", ms: ms + 200 }),
  ]);
  return recorded;
}

function total(operations: OperationCounts): number {
  return Object.values(operations).reduce((sum, count) => sum + count, 0);
}

function figures(rounds: readonly Round[]): LoadFigures {
  return {
    perSecond: median(rounds.map(({ load }) => load.perSecond)),
    p50: median(rounds.map(({ load }) => load.p50)),
    p99: median(rounds.map(({ load }) => load.p99)),
    processorMicros: median(
      rounds.map(({ load, processorMs }) => (processorMs * 1000) / load.calls),
    ),
  };
}
