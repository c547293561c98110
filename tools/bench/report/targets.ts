import type { Comparison, LiveFigures, Results } from "../results.ts";
import { count, ms, share } from "./words.ts";

/** A figure that is to be reached. */
export interface Target {
  readonly what: string;
  readonly wanted: string;
  readonly found: string;
  readonly met: boolean;
}

/** Each ratio may differ by so much between few sessions and many: it differs as much between two rounds. */
const NOISE = 0.15;

/** @returns What is to be reached, and whether it is. */
export function targets(results: Results): Target[] {
  const { small, large, relayedByRedis, live, streams, starts, packageBytes } = results;
  const most = streams.filter(({ server }) => server === "ours").at(-1);
  const first = starts.find(({ what }) => what === "/health");
  const { underLoad, afterSilence, operationsPerCall } = small.relayed;
  const relayedOperations = operationsPerCall.taking + operationsPerCall.claiming;
  return [
    ...small.calls
      .filter(({ protocol }) => protocol !== "/sse")
      .map((call) => ratioTarget(call, 0.9, "the bare SDK")),
    ...small.calls
      .filter(({ protocol }) => protocol === "/sse")
      .map((call) => ratioTarget(call, 0.6, "the bare SDK on plain node:http")),
    ...small.calls.map(({ protocol, operationsPerCall: operations = 0 }) => ({
      what: `Storage operations of a call on ${protocol} that lands where its stream is`,
      wanted: "0",
      found: count(operations),
      // Each session is looked at every 30 seconds.
      met: operations < 0.01,
    })),
    {
      what: "Storage operations of a relayed call, polling left out",
      wanted: "≤ 2",
      found: count(relayedOperations),
      met: relayedOperations <= 2,
    },
    atMost(`Relayed call by tables, ${underLoad.perSecond} in a second, p50`, underLoad.p50, 60),
    ...(afterSilence === undefined
      ? []
      : [atMost("Relayed call by tables after 10 s of silence, p50", afterSilence.p50, 100)]),
    ...(relayedByRedis === undefined
      ? []
      : [atMost("Relayed call by Redis, the same, p50", relayedByRedis.underLoad.p50, 3)]),
    ...(relayedByRedis?.afterSilence === undefined
      ? []
      : [
          atMost(
            "Relayed call by Redis after 10 s of silence, p50",
            relayedByRedis.afterSilence.p50,
            3,
          ),
        ]),
    ...live.flatMap(liveTargets),
    ...(most === undefined
      ? []
      : [
          {
            what: `Memory of each of ${most.streams} idle streams`,
            wanted: "≤ 60 KB",
            found: `${Math.round(most.resident)} KB`,
            met: most.resident <= 60,
          },
        ]),
    ...(first === undefined
      ? []
      : [atMost("First answer after the start of the process", first.median, 400)]),
    {
      what: "The deployment package",
      wanted: "≤ 3 MB",
      found: `${(packageBytes / 1e6).toFixed(2)} MB`,
      met: packageBytes <= 3_000_000,
    },
    ...small.calls.map((few) => {
      const many = large.calls.find(({ protocol }) => protocol === few.protocol);
      const change = (many?.ratio ?? Number.NaN) / few.ratio - 1;
      return {
        what: `Calls on ${few.protocol} with ${large.sessions} sessions in place of ${small.sessions}`,
        wanted: "the same, but for noise",
        found: `${change < 0 ? "−" : "+"}${share(Math.abs(change))}`,
        met: Math.abs(change) <= NOISE,
      };
    }),
    {
      what: `Storage operations of a sign-in with ${large.sessions} sessions in place of ${small.sessions}`,
      wanted: "the same",
      found: `${count(sum(large.signIn.operations))} and ${count(sum(small.signIn.operations))}`,
      met: Math.abs(sum(large.signIn.operations) - sum(small.signIn.operations)) < 0.5,
    },
  ];
}

/** @returns All operations together. */
export function sum(operations: Readonly<Record<string, number>>): number {
  return Object.values(operations).reduce((all, some) => all + some, 0);
}

/** Of the three kinds of clients, that which waits longest. */
function liveTargets({ by, perSecond, clients }: LiveFigures): Target[] {
  const way = by === "redis" ? "Redis" : by;
  const wanted = by === "redis" ? 10 : 100;
  const underLoad = Math.max(...clients.map((client) => client.underLoad.p50));
  const silent = clients.flatMap(({ afterSilence }) => afterSilence?.p50 ?? []);
  const what = `From Graph's word to the client's by ${way}`;
  return [
    atMost(`${what}, ${perSecond} in a second, p50`, underLoad, wanted),
    ...(silent.length === 0
      ? []
      : [atMost(`${what} after 10 s of silence, p50`, Math.max(...silent), wanted)]),
  ];
}

function ratioTarget({ protocol, ratio }: Comparison, wanted: number, other: string): Target {
  return {
    what: `Calls on ${protocol}, by those of ${other}`,
    wanted: `≥ ${wanted}`,
    found: ratio.toFixed(2),
    met: ratio >= wanted,
  };
}

function atMost(what: string, found: number, wanted: number): Target {
  return { what, wanted: `≤ ${wanted} ms`, found: ms(found), met: found <= wanted };
}
