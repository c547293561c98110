import { randomUUID } from "node:crypto";
import { etagOf } from "../calendar-event.ts";
import type { CalendarEvent } from "../calendar-event.ts";
import type { ChangeType } from "../calendars.ts";
import { ACCOUNTS } from "../directory.ts";
import { graphTime } from "./subscription.ts";
import type { Subscription } from "./subscription.ts";

export const LIFECYCLE_EVENTS = [
  "reauthorizationRequired",
  "subscriptionRemoved",
  "missed",
] as const;

/** What can happen to a subscription, as opposed to what it watches. */
export type LifecycleEvent = (typeof LIFECYCLE_EVENTS)[number];

/** Something to tell a subscriber: one entry of the `value` that is posted to it. */
export interface Notification {
  readonly kind: "change" | "lifecycle";
  readonly url: string;
  readonly subscription: Subscription;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** Tells that an event was created, changed or deleted; what it is now, the subscriber has to read. */
export function changeNotification(
  subscription: Subscription,
  change: ChangeType,
  event: CalendarEvent,
): Notification {
  const resource = `Users/${ACCOUNTS[event.owner].profile.id}/Events/${event.id}`;
  return {
    kind: "change",
    url: subscription.notificationUrl,
    subscription,
    entry: {
      id: randomUUID(),
      ...about(subscription),
      changeType: change,
      resource,
      resourceData: {
        "@odata.type": "#Microsoft.Graph.Event",
        "@odata.id": resource,
        "@odata.etag": etagOf(event),
        id: event.id,
      },
    },
  };
}

/** Tells that something happened to the subscription itself; undefined where it named no URL for that. */
export function lifecycleNotification(
  subscription: Subscription,
  lifecycleEvent: LifecycleEvent,
): Notification | undefined {
  const url = subscription.lifecycleNotificationUrl;
  return url === null
    ? undefined
    : { kind: "lifecycle", url, subscription, entry: { ...about(subscription), lifecycleEvent } };
}

function about(subscription: Subscription) {
  return {
    subscriptionId: subscription.id,
    subscriptionExpirationDateTime: graphTime(subscription.expiresAt),
    clientState: subscription.clientState,
    tenantId: ACCOUNTS[subscription.account].tenant.id,
  };
}
