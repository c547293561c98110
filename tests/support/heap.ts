import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");

/** Collects garbage. */
export const collect = runInNewContext("gc") as () => void;

/** @returns What is in use after a collection (bytes): the median of five. */
export async function medianHeap(): Promise<number> {
  const seen: number[] = [];
  for (let n = 0; n < 5; n++) {
    collect();
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
    seen.push(process.memoryUsage().heapUsed);
  }
  return seen.toSorted((a, b) => a - b)[2] ?? 0;
}
