import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CalendarEventSchema } from "./calendar-event.ts";
import type { CalendarEvent } from "./calendar-event.ts";
import { SubscriptionSchema } from "./subscriptions/subscription.ts";
import type { Subscription } from "./subscriptions/subscription.ts";

/** What programs have left behind at Graph, by id. */
export interface Records {
  /** Events that were created, and seeded ones as they were changed. */
  readonly events: Map<string, CalendarEvent>;
  readonly deletedEvents: Set<string>;
  readonly subscriptions: Map<string, Subscription>;
  /** Keeps everything as it is now; to be called after every change. */
  save(): void;
}

const SnapshotSchema = z.object({
  events: z.array(CalendarEventSchema),
  deletedEvents: z.array(z.string()),
  subscriptions: z.array(SubscriptionSchema),
});

/**
 * Opens what is kept in a folder, or begins with nothing. A restart must not lose it: a server that subscribed before
 * it would wait for notifications in vain.
 *
 * @param dataDir where `entra-graph.json` lives; without it everything lives in memory only
 * @throws where the file exists and cannot be read
 */
export function openRecords(dataDir: string | undefined): Records {
  const kept = dataDir === undefined ? undefined : load(dataDir);
  const records = {
    events: new Map(kept?.events.map((event) => [event.id, event])),
    deletedEvents: new Set(kept?.deletedEvents),
    subscriptions: new Map(kept?.subscriptions.map((one) => [one.id, one])),
  };
  return {
    ...records,
    save() {
      if (dataDir !== undefined) {
        store(dataDir, {
          events: [...records.events.values()],
          deletedEvents: [...records.deletedEvents],
          subscriptions: [...records.subscriptions.values()],
        });
      }
    },
  };
}

const fileIn = (dataDir: string) => join(dataDir, "entra-graph.json");

function load(dataDir: string): z.infer<typeof SnapshotSchema> | undefined {
  let text: string;
  try {
    text = readFileSync(fileIn(dataDir), "utf8");
  } catch {
    return undefined;
  }
  try {
    return SnapshotSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${fileIn(dataDir)} is damaged. Delete it to start without.`, { cause });
  }
}

// At once and synchronously: the file is small, and nothing is lost or out of order whenever the process ends.
function store(dataDir: string, snapshot: z.infer<typeof SnapshotSchema>): void {
  mkdirSync(dataDir, { recursive: true });
  const draft = `${fileIn(dataDir)}.${process.pid}.tmp`;
  writeFileSync(draft, JSON.stringify(snapshot), { mode: 0o600 });
  renameSync(draft, fileIn(dataDir));
}
