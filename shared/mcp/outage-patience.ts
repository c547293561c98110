import type { Clock } from "../clock.ts";
import { KeysUnavailable } from "../keys/key-wrapper.ts";
import { StorageUnavailable } from "../storage/store.ts";

/** How long a client that comes back for its stream waits out an outage. */
const PATIENCE_MS = 60_000;
const BETWEEN_TRIES_MS = 1_000;

/** For what is waited for whoever is there. */
export const NEVER = new AbortController().signal;

/**
 * Tries until storage is back: a client whose stream has broken off never comes back after an answer that is
 * not 200, so it is better kept waiting.
 *
 * @param gone Ends the trying: nobody waits any more.
 * @throws What the last try has thrown, after a minute.
 */
export async function waitOutOutage<T>(
  clock: Clock,
  gone: AbortSignal,
  attempt: () => Promise<T>,
): Promise<T> {
  const giveUpAt = clock.now() + PATIENCE_MS;
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const outage = error instanceof StorageUnavailable || error instanceof KeysUnavailable;
      const over = clock.now() >= giveUpAt || tries > PATIENCE_MS / BETWEEN_TRIES_MS;
      if (!outage || over || gone.aborted) throw error;
      await clock.sleep(BETWEEN_TRIES_MS);
    }
  }
}
