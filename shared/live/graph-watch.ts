import { z } from "zod";
import { GraphError } from "../entra/graph-error.ts";
import type { Scope } from "../oauth/scopes.ts";
import type { Watch, WatchSource } from "./watch.ts";

/** Graph takes 4,230 minutes for events: a little less, so that no clock makes it too much. */
const LIFETIME_MS = 4_200 * 60_000;

/**
 * At first it lives until it has been looked at, an hour later, and renewed: if this instance is gone before it
 * has written down what Graph calls it, nobody can end it, and it ends by itself.
 */
const FIRST_LIFETIME_MS = 150 * 60_000;

const subscription = z.object({ id: z.string().max(200), expirationDateTime: z.iso.datetime() });

/**
 * Watches something in Microsoft Graph by a subscription (change notifications), made with the person's own
 * token.
 *
 * @param resource As in Graph, such as `me/events`.
 */
export function graphWatch(resource: string, requires: Scope): Watch {
  return {
    requires,
    async start({ graph, clock, notificationUrl, clientState }) {
      const made = await graph.write(
        "POST",
        "/v1.0/subscriptions",
        {
          changeType: "created,updated,deleted",
          notificationUrl,
          // It cannot be added later.
          lifecycleNotificationUrl: notificationUrl,
          resource,
          expirationDateTime: expiry(clock.now(), FIRST_LIFETIME_MS),
          clientState,
        },
        subscription,
      );
      return { id: made.id, expiresAt: Date.parse(made.expirationDateTime) };
    },
    async renew(id, { graph, clock }: WatchSource, { fresh }) {
      const body = { expirationDateTime: expiry(clock.now(), LIFETIME_MS) };
      const renewed = await unlessGone(
        graph.write("PATCH", path(id), body, subscription, { renew: fresh }),
      );
      return renewed && { expiresAt: Date.parse(renewed.expirationDateTime) };
    },
    async stop(id, { graph }) {
      await unlessGone(graph.delete(path(id)));
    },
  };
}

function path(id: string): string {
  return `/v1.0/subscriptions/${encodeURIComponent(id)}`;
}

function expiry(now: number, lifetimeMs: number): string {
  return new Date(now + lifetimeMs).toISOString();
}

async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof GraphError && error.kind === "not-found") return undefined;
    throw error;
  }
}
