import type { Records } from "../records.ts";
import type { Challenges } from "./challenges.ts";
import type { Subscription } from "./subscription.ts";

/** The subscriptions that live. */
export interface Subscriptions {
  /** All of them, oldest first; one that has expired is gone without a word. */
  all(): readonly Subscription[];
  find(id: string): Subscription | undefined;
  /** Adds one, or replaces it by its renewal. */
  put(subscription: Subscription): void;
  remove(id: string): void;
  /** Forgets all of them. */
  reset(): void;
  /** Ends the watch over their tokens, and leaves them for the next start. */
  close(): void;
}

/** Takes up the subscriptions that are on record. */
export function createSubscriptions(
  now: () => Date,
  records: Pick<Records, "subscriptions" | "save">,
  challenges: Challenges,
): Subscriptions {
  const { subscriptions } = records;

  function remove(...ids: readonly string[]): void {
    for (const id of ids) {
      challenges.forget(id);
      subscriptions.delete(id);
    }
    records.save();
  }

  function all(): Subscription[] {
    const moment = now().getTime();
    const expired = [...subscriptions.values()].filter(({ expiresAt }) => expiresAt <= moment);
    if (expired.length > 0) {
      remove(...expired.map(({ id }) => id));
    }
    return [...subscriptions.values()];
  }

  for (const subscription of all()) {
    challenges.watch(subscription);
  }
  return {
    all,
    find: (id) => all().find((subscription) => subscription.id === id),
    put(subscription) {
      subscriptions.set(subscription.id, subscription);
      records.save();
      challenges.watch(subscription);
    },
    remove,
    reset: () => remove(...subscriptions.keys()),
    close() {
      for (const id of subscriptions.keys()) {
        challenges.forget(id);
      }
    },
  };
}
