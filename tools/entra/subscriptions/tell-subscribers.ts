import type { CalendarEvent } from "../calendar-event.ts";
import type { ChangeType } from "../calendars.ts";
import { changeNotification } from "./notification.ts";
import type { Outbox } from "./outbox.ts";
import type { Subscription } from "./subscription.ts";
import type { Subscriptions } from "./subscriptions.ts";

/**
 * Tells everybody who watches the calendar that one of its events has changed. A subscription whose token has expired
 * is paused until it is reauthorized: what happens meanwhile it never hears of.
 *
 * @param now milliseconds
 */
export function tellSubscribers(
  { subscriptions, outbox }: { subscriptions: Subscriptions; outbox: Outbox },
  now: number,
  change: ChangeType,
  event: CalendarEvent,
): void {
  const watching = subscriptions
    .all()
    .filter(
      (subscription) =>
        subscription.account === event.owner &&
        subscription.authorizedUntil > now &&
        watches(subscription, change),
    );
  outbox.send(...watching.map((subscription) => changeNotification(subscription, change, event)));
}

function watches({ changeType }: Subscription, change: ChangeType): boolean {
  return changeType.split(",").some((watched) => watched.trim().toLowerCase() === change);
}
