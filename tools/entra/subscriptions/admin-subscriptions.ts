import { z } from "zod";
import { adminError, parseAdminBody } from "../admin-body.ts";
import type { Call, StandIn } from "../stand-in.ts";
import { LIFECYCLE_EVENTS, lifecycleNotification } from "./notification.ts";
import type { LifecycleEvent } from "./notification.ts";
import type { Subscription } from "./subscription.ts";

const LifecycleSchema = z.strictObject({ lifecycleEvent: z.enum(LIFECYCLE_EVENTS) });

/** `GET /admin/subscriptions`: everybody's live subscriptions, oldest first. */
export async function getAdminSubscriptions(standIn: StandIn): Promise<Response> {
  return Response.json(
    standIn.subscriptions.all().map(({ expiresAt, authorizedAt, authorizedUntil, ...rest }) => ({
      ...rest,
      expiresAt: new Date(expiresAt).toISOString(),
      authorizedAt: new Date(authorizedAt).toISOString(),
      authorizedUntil: new Date(authorizedUntil).toISOString(),
    })),
  );
}

/** `DELETE /admin/subscriptions/{id}`: it expires now, without a word. */
export async function deleteAdminSubscription(standIn: StandIn, call: Call): Promise<Response> {
  return forSubscription(standIn, call, ({ id }) => standIn.subscriptions.remove(id));
}

/**
 * `POST /admin/subscriptions/{id}/lifecycle` `{lifecycleEvent}`: sends one of the lifecycle events;
 * `subscriptionRemoved` removes the subscription, too.
 */
export async function postAdminLifecycle(standIn: StandIn, call: Call): Promise<Response> {
  const body = parseAdminBody(call, LifecycleSchema);
  return body instanceof Response
    ? body
    : forSubscription(standIn, call, (subscription) =>
        sendLifecycleEvent(standIn, subscription, body.lifecycleEvent),
      );
}

/** `GET /admin/notifications`: the last 1,000 posts to subscribers, oldest first. */
export async function getNotifications(standIn: StandIn): Promise<Response> {
  return Response.json(standIn.outbox.sent());
}

/** Sends a lifecycle event; `subscriptionRemoved` removes the subscription, too. */
export function sendLifecycleEvent(
  { subscriptions, outbox }: Pick<StandIn, "subscriptions" | "outbox">,
  subscription: Subscription,
  lifecycleEvent: LifecycleEvent,
): void {
  if (lifecycleEvent === "subscriptionRemoved") {
    subscriptions.remove(subscription.id);
  }
  outbox.send(lifecycleNotification(subscription, lifecycleEvent));
}

function forSubscription(
  standIn: StandIn,
  call: Call,
  act: (subscription: Subscription) => void,
): Response {
  const subscription = standIn.subscriptions.find(call.params["id"] ?? "");
  if (!subscription) {
    return adminError(404, "There is no such subscription.");
  }
  act(subscription);
  return new Response(null, { status: 204 });
}
