import type { Wait } from "../wait.ts";
import type { Subscription } from "./subscription.ts";

/** How long before a token expires its subscription is challenged; half of its life, where that is less. */
const AHEAD_MS = 15 * 60 * 1000;
/** The least time between two challenges. */
const BETWEEN_MS = 60 * 1000;

/** Watches over the tokens that subscriptions were made or renewed with. */
export interface Challenges {
  /** Begins to watch a subscription, or begins anew after a token has renewed it. */
  watch(subscription: Subscription): void;
  forget(id: string): void;
}

/**
 * Makes the challenges: while a token is about to expire, its subscription has to be reauthorized. Nobody answers? It
 * is asked again each time half of what is left has passed, and once more when the token has expired.
 *
 * @param challenge sends `reauthorizationRequired`
 */
export function createChallenges(
  now: () => Date,
  wait: Wait,
  challenge: (subscription: Subscription) => void,
): Challenges {
  const watched = new Map<string, AbortController>();

  async function keepChallenging(subscription: Subscription, signal: AbortSignal): Promise<void> {
    const { authorizedAt, authorizedUntil, expiresAt } = subscription;
    let next = authorizedUntil - Math.min(AHEAD_MS, (authorizedUntil - authorizedAt) / 2);
    while (await wait(Math.max(next - now().getTime(), 0), signal)) {
      const moment = now().getTime();
      if (moment >= expiresAt) {
        return;
      }
      challenge(subscription);
      if (moment >= authorizedUntil) {
        return;
      }
      next = moment + Math.max((authorizedUntil - moment) / 2, BETWEEN_MS);
    }
  }

  function forget(id: string): void {
    watched.get(id)?.abort();
    watched.delete(id);
  }

  return {
    watch(subscription) {
      forget(subscription.id);
      const ending = new AbortController();
      watched.set(subscription.id, ending);
      void keepChallenging(subscription, ending.signal);
    },
    forget,
  };
}
