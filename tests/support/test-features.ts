import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { features as product } from "../../shared/features/all.ts";
import { defineTool, type Features } from "../../shared/features/feature.ts";

/** Where each run is written down, so that a count outlives the instance that ran it. */
const RUNS_FILE = process.env["TEST_RUNS_FILE"];

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
    if (RUNS_FILE !== undefined) appendFileSync(RUNS_FILE, `${key}\n`);
    const parts = progress ? 4 : 1;
    for (let part = 0; part < parts; part++) {
      if (progress) await call.progress({ progress: part, total: parts });
      if (ms > 0) await sleep(ms / parts, undefined, { signal: call.signal });
    }
    return { key, pid: process.pid };
  },
});

/** The product's features, and one that tests of faults and loads need. */
export const features: Features = { ...product, tools: [...product.tools, work] };
