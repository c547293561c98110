import { setTimeout } from "node:timers/promises";

/**
 * Lets time pass.
 *
 * @param ms how long
 * @param signal calls it off
 * @returns whether the time has passed: false where it was called off
 */
export type Wait = (ms: number, signal: AbortSignal) => Promise<boolean>;

/** Waits by the machine's clock, and keeps no process alive. */
export const waitForReal: Wait = async (ms, signal) => {
  try {
    await setTimeout(ms, undefined, { signal, ref: false });
    return true;
  } catch {
    return false;
  }
};
