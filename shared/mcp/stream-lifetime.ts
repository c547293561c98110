import type { Random } from "../random.ts";

/** Streams that were opened together must not end together. */
const JITTER = 0.1;

/** @returns How long a stream lives before it ends by itself (ms): the setting, give or take a tenth. */
export function streamLifetime(seconds: number, random: Random): number {
  const [byte = 0] = random.bytes(1);
  return Math.round(seconds * 1000 * (1 - JITTER + (byte / 255) * 2 * JITTER));
}
