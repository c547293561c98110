import type { AtSize, Comparison, RelayedFigures, Results } from "../results.ts";
import { sum, targets } from "./targets.ts";
import { count, many, ms, share, table } from "./words.ts";

/** What took less of the time is not worth a line. */
const LEAST_SHARE = 0.015;

/** @returns All figures, as Markdown. */
export function figures(results: Results): string {
  const { small, large, hosted, relayedByRedis, live, streams, starts, machine } = results;
  return [
    `Taken on ${results.takenAt.slice(0, 10)} in ${results.seconds} s, on ${machine.cores} × ${machine.processor} with ` +
      `${machine.memoryGb} GB and Node ${machine.node.slice(1)}. Load average ${machine.loadBefore} before and ` +
      `${machine.loadAfter} after; a fixed piece of work took ${machine.fixedWorkMs} ms.`,
    "### What is to be reached",
    table(
      ["", "wanted", "found", ""],
      targets(results).map(({ what, wanted, found, met }) => [
        what,
        wanted,
        found,
        met ? "met" : "**missed**",
      ]),
    ),
    "### Calls, mounted directly",
    "![Calls a second](benchmarks/calls.svg)",
    compared(small.calls, "bare"),
    "### Where the time goes",
    ...small.calls.map(({ protocol, profile = [] }) =>
      table(
        [protocol, "of the processor time"],
        profile.filter((it) => it.share >= LEAST_SHARE).map((it) => [it.area, share(it.share)]),
      ),
    ),
    "### Calls through the Functions host",
    compared(hosted, "a trivial function"),
    "### Relayed calls",
    table(
      [
        "",
        `p50, ${small.relayed.underLoad.perSecond} calls/s`,
        "p99",
        "p50 after 10 s of silence",
        "slowest",
        "operations to take it",
        "to claim it",
        "looks into the inbox",
        "most calls/s",
        "p50 then",
      ],
      [small.relayed, ...(relayedByRedis === undefined ? [] : [relayedByRedis])].map(relayed),
    ),
    "### From Microsoft Graph's word to the client's",
    table(
      ["", `p50, ${live[0]?.perSecond} changes/s`, "p99", "p50 after 10 s of silence", "slowest"],
      live.flatMap(({ by, clients }) =>
        clients.map(({ protocol, underLoad, afterSilence }) => [
          `${protocol}, by ${by === "redis" ? "Redis" : by}`,
          ms(underLoad.p50),
          ms(underLoad.p99),
          afterSilence === undefined ? "" : ms(afterSilence.p50),
          afterSilence === undefined ? "" : ms(afterSilence.p99),
        ]),
      ),
    ),
    "### Idle streams",
    table(
      [
        "",
        "streams",
        "heap of each",
        "resident memory of each",
        "opened in a second",
        "operations to open one",
        "operations/s while idle",
        "processor while idle",
      ],
      streams.map((it) => [
        it.server === "ours" ? "this server" : "the bare SDK",
        many(it.streams),
        `${it.heap.toFixed(1)} KB`,
        `${it.resident.toFixed(1)} KB`,
        many(it.openedPerSecond),
        it.server === "ours" ? count(it.operationsPerStream) : "",
        it.server === "ours" && it.idle !== undefined ? count(it.idle.operationsPerSecond) : "",
        it.idle === undefined ? "" : share(it.idle.processorMillis / 1000),
      ]),
    ),
    "### From the start of a process to its first answer",
    table(
      ["", "median", "fastest", "slowest"],
      starts.map(({ what, median, fastest, slowest }) => [
        what,
        ms(median),
        ms(fastest),
        ms(slowest),
      ]),
    ),
    "### A whole sign-in",
    signIn(small),
    `### With ${many(large.sessions)} sessions in the tables in place of ${many(small.sessions)}`,
    table(
      ["", ...[small, large].map(({ sessions }) => many(sessions))],
      [
        ...small.calls.map((few, n) => [
          `calls/s on ${few.protocol}, and by those of the bare SDK`,
          rate(few),
          rate(large.calls[n]),
        ]),
        [
          "relayed call by tables, p50",
          ...[small, large].map((it) => ms(it.relayed.underLoad.p50)),
        ],
        ["a whole sign-in, p50", ...[small, large].map((it) => ms(it.signIn.p50))],
        ["its storage operations", ...[small, large].map((it) => count(sum(it.signIn.operations)))],
      ],
    ),
  ].join("\n\n");
}

function compared(calls: readonly Comparison[], other: string): string {
  return table(
    [
      "",
      "calls/s",
      other,
      "ratio",
      "p50",
      other,
      "p99",
      other,
      "processor per call",
      other,
      "load generator busy",
    ],
    calls.map(({ protocol, ours, bare, ratio, loadBusy }) => [
      protocol,
      many(ours.perSecond),
      many(bare.perSecond),
      ratio.toFixed(2),
      ms(ours.p50),
      ms(bare.p50),
      ms(ours.p99),
      ms(bare.p99),
      micros(ours.processorMicros),
      micros(bare.processorMicros),
      share(loadBusy),
    ]),
  );
}

function micros(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value)} µs` : "";
}

function relayed(figures_: RelayedFigures): string[] {
  const { by, underLoad, atMost, afterSilence, operationsPerCall } = figures_;
  return [
    `by ${by === "redis" ? "Redis" : by}`,
    ms(underLoad.p50),
    ms(underLoad.p99),
    afterSilence === undefined ? "" : ms(afterSilence.p50),
    afterSilence === undefined ? "" : ms(afterSilence.p99),
    count(operationsPerCall.taking),
    count(operationsPerCall.claiming),
    count(operationsPerCall.polling),
    many(atMost.perSecond),
    ms(atMost.p50),
  ];
}

function signIn({ signIn: { p50, p99, standIn, operations } }: AtSize): string {
  const routes = Object.entries(operations).filter(([route]) => route !== "background");
  return table(
    [
      "",
      "p50",
      "p99",
      "of which the pages of the stand-in",
      "storage operations",
      ...routes.map(([route]) => `/${route}`),
    ],
    [
      [
        "registration to tokens",
        ms(p50),
        ms(p99),
        ms(standIn),
        count(sum(Object.fromEntries(routes))),
        ...routes.map(([, operationsOfRoute]) => count(operationsOfRoute)),
      ],
    ],
  );
}

function rate(call: Comparison | undefined): string {
  return call === undefined ? "" : `${many(call.ours.perSecond)} (${call.ratio.toFixed(2)})`;
}
