import { z } from "zod";
import { batches } from "../batches.ts";
import { equalInConstantTime, sha256 } from "../digest.ts";
import { readJson } from "../http/body.ts";
import type { Handler } from "../http/context.ts";
import { HttpError } from "../http/errors.ts";
import type { Log } from "../log.ts";
import type { WatchCare } from "./watch-care.ts";
import type { WatchRow, WatchRows } from "./watch-rows.ts";

/** A post holds what many people's calendars have to say. */
const BODY_LIMIT_BYTES = 1024 * 1024;
const MAX_ENTRIES = 1_000;
/** Graph waits three seconds: entries are looked up so many at a time. */
const AT_ONCE = 50;
const MAX_VALIDATION_TOKEN = 2_048;

const entrySchema = z.object({
  subscriptionId: z.string().max(200),
  clientState: z.string().max(128),
  tenantId: z.string().max(64),
  lifecycleEvent: z.string().max(64).optional(),
});
type Entry = z.infer<typeof entrySchema>;

const bodySchema = z.object({ value: z.array(z.unknown()).max(MAX_ENTRIES) });

/** The secret, whose watch it is, and which of theirs: see `Watching`. */
const CLIENT_STATE = /^([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{22})$/;

/**
 * `POST /notifications`: Microsoft Graph tells of changes. What it says is only that something has changed:
 * who is subscribed is told, and reads again. Anybody can post here, so each entry has to bring the secret of
 * its watch; one that does not is answered like the others, and changes nothing.
 */
export function notificationsHandler(deps: {
  watchRows: WatchRows;
  watchCare: WatchCare;
  log: Log;
}): Handler {
  return async (request, { log }) => {
    const token = new URL(request.url).searchParams.get("validationToken");
    if (token !== null) return validation(token);
    const body = bodySchema.safeParse(await readJson(request, BODY_LIMIT_BYTES));
    if (!body.success) throw new HttpError(400, "The body is not a collection of notifications.");
    const heard = new Map<string, { row: WatchRow; events: Set<string> }>();
    let unknown = 0;
    for (const { event, row } of await lookedUp(body.data.value)) {
      if (row === undefined) {
        unknown += 1;
        continue;
      }
      // Several entries about one watch are one change.
      const id = `${row.key.partition} ${row.key.row}`;
      const same = heard.get(id) ?? { row, events: new Set() };
      same.events.add(event);
      heard.set(id, same);
    }
    // Once for all of them: anybody could fill the log with a thousand that cost two bytes each.
    if (unknown > 0) {
      log.audit("notified", { outcome: "denied", reason: `unknown: ${unknown}` });
    }
    // Until this is done nothing is acknowledged: an outage of storage is 503, and Graph tells again.
    await Promise.all([...heard.values()].map(({ row, events }) => act(row, events, log)));
    return new Response(null, { status: 202 });
  };

  /** @returns What each entry says, and of which watch; of none, where it does not know its secret. */
  async function lookedUp(entries: readonly unknown[]) {
    const found: { event: string; row: WatchRow | undefined }[] = [];
    for await (const batch of batches(entries, AT_ONCE)) {
      const some = batch.map(async (value) => {
        const { data: entry } = entrySchema.safeParse(value);
        const event = entry?.lifecycleEvent ?? "changed";
        return { event, row: entry && (await known(entry)) };
      });
      found.push(...(await Promise.all(some)));
    }
    return found;
  }

  async function known({
    subscriptionId,
    clientState,
    tenantId,
  }: Entry): Promise<WatchRow | undefined> {
    const [, secret, partition, row] = CLIENT_STATE.exec(clientState) ?? [];
    if (partition === undefined || row === undefined || secret === undefined) return undefined;
    const found = await deps.watchRows.find({ partition, row });
    if (found === undefined) return undefined;
    if (!equalInConstantTime(sha256(secret), found.value.secretHash)) return undefined;
    if (tenantId.toLowerCase() !== found.value.tenantId) return undefined;
    // Its first word may come before the source has told us what it calls the watch.
    const { sourceId } = found.value;
    return sourceId === "" || sourceId === subscriptionId ? found : undefined;
  }

  async function act(row: WatchRow, events: ReadonlySet<string>, log: Log): Promise<void> {
    log.audit("notified", {
      outcome: "success",
      actor: row.key.partition,
      reason: [...events].join(" "),
    });
    if (events.has("changed") || events.has("missed") || events.has("subscriptionRemoved")) {
      await deps.watchCare.changed(row);
    }
    // Graph waits three seconds, and a repair asks Graph itself: it is noted first, and done after the answer.
    if (events.has("subscriptionRemoved")) await deps.watchCare.repair(row, "gone");
    else if (events.has("reauthorizationRequired")) await deps.watchCare.repair(row, "token");
  }
}

/** Graph asks whether this endpoint wants its notifications: it gets its own words back, as text and nothing else. */
function validation(token: string): Response {
  if (token.length > MAX_VALIDATION_TOKEN) {
    throw new HttpError(400, "The validation token is too long.");
  }
  return new Response(token, {
    headers: {
      "Content-Type": "text/plain; charset=utf-8",
      "Cache-Control": "no-store",
      "Content-Security-Policy": "default-src 'none'; sandbox",
    },
  });
}
