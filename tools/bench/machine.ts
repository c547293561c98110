import { createHash } from "node:crypto";
import { cpus, loadavg, totalmem } from "node:os";
import type { Machine } from "./results.ts";

/** @returns Where this runs, and what else does right now. */
export async function machine(): Promise<Omit<Machine, "loadAfter">> {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    fixedWorkMs: fixedWork(),
  };
}

/** How long the same work takes (ms; the fastest of five): tells a slow machine, or a slow hour of one, from a slow server. */
function fixedWork(): number {
  const block = Buffer.alloc(1024 * 1024);
  const once = () => {
    const from = performance.now();
    for (let n = 0; n < 20; n++) createHash("sha256").update(block).digest();
    let sum = 0;
    for (let n = 0; n < 20_000_000; n++) sum = (sum + n) % 1_000_003;
    return performance.now() - from + (sum < 0 ? 1 : 0);
  };
  return Math.round(Math.min(...Array.from({ length: 5 }, once)));
}
