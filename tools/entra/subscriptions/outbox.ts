import type { Switches } from "../switches.ts";
import type { Wait } from "../wait.ts";
import { deliver } from "./deliver.ts";
import type { OnAnswer } from "./deliver.ts";
import { lifecycleNotification } from "./notification.ts";
import type { Notification } from "./notification.ts";

const MAX_ENTRIES_PER_POST = 100;
const SENT_KEPT = 1_000;

/** One attempt to post notifications. */
export interface SentNotifications {
  /** When the request was made, ISO 8601 with milliseconds. */
  readonly at: string;
  readonly url: string;
  /** The answer's status, or why there is none; null while it is awaited. */
  status: number | "timeout" | "unreachable" | null;
  readonly value: readonly Notification["entry"][];
}

/** Where notifications wait for the post that takes them to their subscriber. */
export interface Outbox {
  /** Sends notifications: what goes to one address at the same time goes in one post. */
  send(...notifications: readonly (Notification | undefined)[]): void;
  /** Sends what was held back for the sake of a switch that is now off. */
  release(): void;
  /** The last 1,000 attempts since the last reset, oldest first. */
  sent(): readonly SentNotifications[];
  /** Drops what waits, calls off what is under way, and forgets what was sent. */
  reset(): void;
}

/** Makes an empty outbox. */
export function createOutbox(now: () => Date, wait: Wait, switches: Switches): Outbox {
  const waiting = new Map<string, Notification[]>();
  const collecting = new Set<string>();
  let sent: SentNotifications[] = [];
  let ending = new AbortController();

  function send(...notifications: readonly (Notification | undefined)[]): void {
    const { notificationsLost } = switches.current();
    for (const notification of notifications) {
      if (notification && !(notificationsLost && notification.kind === "change")) {
        const { url } = notification;
        waiting.set(url, [...(waiting.get(url) ?? []), notification]);
        void collect(url, ending.signal);
      }
    }
  }

  /** Gives what goes to the same address time to come along, and sends all of it. */
  async function collect(url: string, signal: AbortSignal): Promise<void> {
    if (collecting.has(url)) {
      return;
    }
    collecting.add(url);
    if (await wait(switches.current().notificationDelayMs, signal)) {
      collecting.delete(url);
      await empty(url, signal);
    }
  }

  async function empty(url: string, signal: AbortSignal): Promise<void> {
    const { notificationsReordered, notificationsRepeated } = switches.current();
    const notifications = waiting.get(url) ?? [];
    if (notificationsReordered && notifications.length < 2) {
      return; // The next one has to overtake it.
    }
    waiting.delete(url);
    const batches = notificationsReordered
      ? notifications.toReversed().map((notification) => [notification])
      : chunks(notifications);
    for (const batch of batches) {
      for (let times = notificationsRepeated ? 2 : 1; times > 0; times -= 1) {
        await post(url, batch, signal);
      }
    }
  }

  async function post(url: string, batch: readonly Notification[], signal: AbortSignal) {
    const value = batch.map(({ entry }) => entry);
    const onAttempt = (): OnAnswer => {
      const attempt: SentNotifications = { at: now().toISOString(), url, status: null, value };
      sent = [...sent.slice(1 - SENT_KEPT), attempt];
      return (answer) => {
        attempt.status = typeof answer === "object" ? answer.status : answer;
      };
    };
    const outcome = await deliver(wait, url, JSON.stringify({ value }), onAttempt, signal);
    if (outcome === "refused") {
      const changes = batch.filter(({ kind }) => kind === "change");
      const losers = new Map(changes.map(({ subscription }) => [subscription.id, subscription]));
      send(...[...losers.values()].map((loser) => lifecycleNotification(loser, "missed")));
    }
  }

  return {
    send,
    release() {
      for (const url of waiting.keys()) {
        void collect(url, ending.signal);
      }
    },
    sent: () => sent,
    reset() {
      ending.abort();
      ending = new AbortController();
      waiting.clear();
      collecting.clear();
      sent = [];
    },
  };
}

function chunks(notifications: readonly Notification[]): Notification[][] {
  const parts: Notification[][] = [];
  for (let from = 0; from < notifications.length; from += MAX_ENTRIES_PER_POST) {
    parts.push(notifications.slice(from, from + MAX_ENTRIES_PER_POST));
  }
  return parts;
}
