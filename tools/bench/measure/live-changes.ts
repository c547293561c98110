import { setTimeout as sleep } from "node:timers/promises";
import type { Load } from "../load/load-process.ts";
import { latencies } from "../load/latencies.ts";
import type { Heard } from "../load/subscriber.ts";
import type { Word } from "../load/word.ts";
import type { Remote } from "../remote.ts";
import type { LiveFigures } from "../results.ts";
import { startOurs, stopInOrder } from "../servers/start-ours.ts";
import type { RelayedCallsOptions } from "./relayed-calls.ts";

const PROTOCOLS = { sse: "/sse", "mcp-2025": "/mcp, 2025-11-25", "mcp-2026": "/mcp, 2026-07-28" };
const HEARD = ["sse", "mcp-2025", "mcp-2026"] as const;

/** Each with a client of every kind. */
const PEOPLE = 10;
/** All of theirs together. */
const CHANGES_PER_SECOND = 10;
/** As many as there can be, for code that has not run is slow. */
const WARM_UP = { perSecond: 90, ms: 2_500 };
const PACED_MS = 3_000;
const SILENCE_MS = 10_000;
/** Between one change and the next after a silence. Not a multiple of any poll. */
const APART_MS = 137;

/** By token: a watch outlives its subscribers for a while, and the next ones find it. */
const begun = new Map<string, Word>();

/**
 * Changes that Graph tells to one instance, while those who are to hear of them have their streams at others,
 * in another process: one for each way to hear, and after a silence, which is over for an instance with the
 * first word, one for each person.
 */
export async function liveChanges(
  load: Remote<Load>,
  { by, env, tokens, silences }: RelayedCallsOptions,
): Promise<LiveFigures> {
  const owner = await startOurs();
  const sender = await startOurs();
  const url = await sender.ask("start", { env });

  const byProtocol = await Promise.all(HEARD.map(() => owner.ask("start", { env })));
  const words = await listening(() => byProtocol);
  const perSecond = CHANGES_PER_SECOND;
  await load.ask("tell", { url, words, paced: WARM_UP });
  const underLoad = await load.ask("tell", { url, words, paced: { perSecond, ms: PACED_MS } });
  await load.ask("stopListening");

  let afterSilence: Record<Heard, number[]> | undefined;
  if (silences > 0) {
    const byPerson = await Promise.all(
      Array.from({ length: PEOPLE }, () => owner.ask("start", { env })),
    );
    const silent = await listening((n) => HEARD.map(() => byPerson[n] ?? url));
    await sleep(SILENCE_MS);
    afterSilence = await load.ask("tell", { url, words: silent, apartMs: APART_MS });
    await load.ask("stopListening");
  }
  await stopInOrder(owner, sender);
  return {
    by,
    perSecond,
    clients: HEARD.map((heard) => ({
      protocol: PROTOCOLS[heard],
      underLoad: latencies(underLoad[heard]),
      ...(afterSilence !== undefined && {
        afterSilence: {
          ...latencies(afterSilence[heard]),
          samples: afterSilence[heard].length,
        },
      }),
    })),
  };

  /** @param at Where the clients of the nth person are. @returns What is told of each person's resource. */
  async function listening(at: (n: number) => readonly string[]) {
    const told = [];
    for (const [n, token] of tokens.slice(0, PEOPLE).entries()) {
      const targets = at(n).map((instance, kind) => ({
        protocol: HEARD[kind] ?? "sse",
        target: { streamUrl: instance, postUrl: instance, token },
      }));
      const person = `person-${n}`;
      await load.ask("listen", { person, targets });
      for (const word of await owner.ask("words")) begun.set(token, word);
      const word = begun.get(token);
      if (word === undefined) throw new Error("a watch was not begun");
      told.push({ person, word });
    }
    return told;
  }
}
