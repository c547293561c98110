import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { features as product } from "../../shared/features/all.ts";
import { defineTool, type Features } from "../../shared/features/feature.ts";
import { answeredForm, askFor, form } from "../../shared/features/questions.ts";

/** Where each run is written down, so that a count outlives the instance that ran it. */
const RUNS_FILE = process.env["TEST_RUNS_FILE"];

function writeDown(line: string): void {
  if (RUNS_FILE !== undefined) appendFileSync(RUNS_FILE, `${line}\n`);
}

const work = defineTool({
  name: "work",
  title: "Work",
  description: "Takes its time, and writes down that it ran.",
  requires: "mcp",
  input: z.object({
    key: z.string(),
    ms: z.number().max(60_000).default(0),
    progress: z.boolean().default(false),
  }),
  output: z.object({ key: z.string(), pid: z.number() }),
  async run({ key, ms, progress }, call) {
    writeDown(key);
    call.signal.addEventListener("abort", () => writeDown(`${key} aborted`));
    const parts = progress ? 4 : 1;
    for (let part = 0; part < parts; part++) {
      if (progress) await call.progress({ progress: part, total: parts });
      if (ms > 0) await sleep(ms / parts, undefined, { signal: call.signal });
    }
    return { key, pid: process.pid };
  },
});

const answer = z.object({ yes: z.boolean() });

const confirm = defineTool({
  name: "confirm",
  title: "Confirm",
  description: "Asks the person, and says what they have answered and where.",
  requires: "mcp",
  input: z.object({ what: z.string() }),
  output: z.object({ what: z.string(), answer: z.string(), rounds: z.number(), pid: z.number() }),
  async run({ what }, { answers, state }) {
    const given = answeredForm(answers, "confirm", answer);
    const rounds = z.number().catch(0).parse(state);
    if (given === undefined) return askFor({ confirm: form(`${what}?`, answer) }, rounds + 1);
    return { what, answer: JSON.stringify(given), rounds: rounds + 1, pid: process.pid };
  },
});

/** The product's features, and those that tests of several instances, faults and loads need. */
export const features: Features = { ...product, tools: [...product.tools, work, confirm] };
