import type { Resource } from "../../../shared/features/feature.ts";
import { WATCHED_URI, type Word } from "../load/word.ts";

const LIFETIME_MS = 86_400_000;

const words: Word[] = [];

/** A resource that is watched at a source for which the load generator speaks. */
export const watchedResource: Resource = {
  uri: WATCHED_URI,
  name: "watched",
  title: "Watched",
  description: "Changes when the load generator says so.",
  mimeType: "text/plain",
  requires: "mcp",
  watch: {
    requires: "mcp",
    async start({ clientState, clock }) {
      const subscriptionId = `watch-${words.length + 1}`;
      words.push({ subscriptionId, clientState });
      return { id: subscriptionId, expiresAt: clock.now() + LIFETIME_MS };
    },
    renew: async (_id, { clock }) => ({ expiresAt: clock.now() + LIFETIME_MS }),
    stop: async () => undefined,
  },
  read: async () => "",
};

/** @returns What the source tells with a notification, of each watch that was begun in this process since the last time. */
export function takeWords(): Word[] {
  return words.splice(0);
}
