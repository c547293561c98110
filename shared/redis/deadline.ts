import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../clock.ts";

/** What a promise is worth that was not kept in time. */
export const LATE = Symbol("late");

/**
 * @param ms From now on.
 * @returns Waits for a promise until then. It can be asked about several, one after the other.
 */
export function deadline(
  clock: Clock,
  ms: number,
): <T>(promised: Promise<T>) => Promise<T | typeof LATE> {
  const passed = async (): Promise<typeof LATE> => {
    await clock.sleep(ms);
    // An answer that arrived while this process was busy is not late: it is read before the next turn.
    await nextTurn();
    return LATE;
  };
  const late = passed();
  return <T>(promised: Promise<T>) => Promise.race<T | typeof LATE>([promised, late]);
}
