import type { Random } from "../random.ts";

/** Streams that were opened together must not end together. */
const JITTER = 0.1;

/** When a client may come back after an end that the server chose: soon, but not all in the same moment. */
const RETRY_MS = { from: 100, to: 900 };

/** The row of a connection goes by itself so long after its stream must have ended. */
export const ROW_MARGIN_MS = 3_600_000;

/** @returns How long a stream lives before it ends by itself (ms): the setting, give or take a tenth. */
export function streamLifetime(seconds: number, random: Random): number {
  const [byte = 0] = random.bytes(1);
  return Math.round(seconds * 1000 * (1 - JITTER + (byte / 255) * 2 * JITTER));
}

/** @returns After how long (ms) a client may open its next stream. */
export function retryAfter(random: Random): number {
  const [byte = 0] = random.bytes(1);
  return RETRY_MS.from + (byte / 256) * (RETRY_MS.to - RETRY_MS.from);
}
