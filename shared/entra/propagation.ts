import type { Clock } from "../clock.ts";
import { EntraError } from "./entra.ts";

/**
 * What Entra says until every one of its servers has seen a new federated credential, which takes minutes: no
 * record for the assertion's issuer, or for its subject.
 */
const NOT_SEEN_YET: ReadonlySet<string | undefined> = new Set(["AADSTS700211", "AADSTS700213"]);

/** Another server may answer the next time. Whoever waits longer than this asks again by themselves. */
const WAITS_MS = [500, 2_000] as const;

/**
 * Runs `attempt` again where Entra does not know the server's credential yet. Entra looks at it before anything
 * else, so a code that was presented is still good.
 */
export async function withPropagation<T>(clock: Clock, attempt: () => Promise<T>): Promise<T> {
  for (const wait of WAITS_MS) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof EntraError) || !NOT_SEEN_YET.has(error.code)) throw error;
      await clock.sleep(wait);
    }
  }
  return attempt();
}
