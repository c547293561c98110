import { setTimeout as sleep } from "node:timers/promises";
import type { Load } from "../load/load-process.ts";
import { latencies } from "../load/latencies.ts";
import type { Remote } from "../remote.ts";
import type { RelayedFigures } from "../results.ts";
import { BACKGROUND, operationsOf } from "../servers/counting-store.ts";
import { startOurs, stopInOrder } from "../servers/start-ours.ts";
import { clients } from "./direct-calls.ts";

const CLIENTS = 20;
const WARM_UP_CALLS = 500;
/** All of them together. */
const CALLS_PER_SECOND = 100;
const PACED_MS = 5_000;
/** As many calls as there can be: each client calls again as soon as it is answered. */
const FULL_MS = 3_000;

/** Instances with a stream each, so that one silence gives several samples. */
const SILENT_INSTANCES = 10;
const SILENCE_MS = 10_000;
/** Between one call and the next, so that none disturbs another. Not a multiple of any poll. */
const APART_MS = 137;

export interface RelayedCallsOptions {
  readonly by: string;
  readonly env: Readonly<Record<string, string>>;
  readonly tokens: readonly string[];
  /** Single calls after a silence, too: so many rounds of ten seconds. */
  readonly silences: number;
}

/** Calls that are posted to one instance while their stream is at another, in another process. */
export async function relayedCalls(
  load: Remote<Load>,
  { by, env, tokens, silences }: RelayedCallsOptions,
): Promise<RelayedFigures> {
  const owner = await startOurs();
  const sender = await startOurs();
  const at = await owner.ask("start", { env });
  const from = await sender.ask("start", { env });
  const group = `relayed by ${by}`;
  await load.ask("connect", {
    group,
    protocol: "sse",
    targets: clients(at, tokens, CLIENTS, from),
  });
  await load.ask("warmUp", { group, calls: WARM_UP_CALLS });
  await owner.ask("operations");
  await sender.ask("operations");
  const { calls, ...atMost } = await load.ask("run", { group, ms: FULL_MS });
  const [received, sent] = [await owner.ask("operations"), await sender.ask("operations")];
  const polls = operationsOf(received, BACKGROUND, "list inbox");
  const paced = await load.ask("pace", { group, perSecond: CALLS_PER_SECOND, ms: PACED_MS });
  await load.ask("disconnect", { group });

  const silent = `silent, by ${by}`;
  for (let n = 0; n < (silences > 0 ? SILENT_INSTANCES : 0); n++) {
    const url = await owner.ask("start", { env });
    const [target] = clients(url, tokens.slice(n), 1, from);
    if (target === undefined) break;
    await load.ask("connect", { group: silent, protocol: "sse", targets: [target] });
  }
  const took: number[] = [];
  for (let n = 0; n < silences; n++) {
    await sleep(SILENCE_MS);
    took.push(...(await load.ask("once", { group: silent, apartMs: APART_MS })));
  }
  await load.ask("disconnect", { group: silent });
  await stopInOrder(owner, sender);
  return {
    by,
    underLoad: { perSecond: CALLS_PER_SECOND, ...paced },
    atMost: { perSecond: atMost.perSecond, p50: atMost.p50, p99: atMost.p99 },
    operationsPerCall: {
      taking: operationsOf(sent, "message") / calls,
      claiming: (operationsOf(received, BACKGROUND) - polls) / calls,
      polling: polls / calls,
    },
    ...(took.length > 0 && { afterSilence: { ...latencies(took), samples: took.length } }),
  };
}
