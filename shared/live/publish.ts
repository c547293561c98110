import { z } from "zod";
import { MCP_BODY_LIMIT_BYTES, readJson } from "../http/body.ts";
import type { Handler } from "../http/context.ts";
import { OAuthError } from "../oauth/oauth-error.ts";
import type { Relay } from "../relay/relay.ts";
import { userKeyOf } from "../sessions/user-key.ts";
import type { Audience, Feeds, FeedValue } from "./feeds.ts";
import { feedUri, TOPIC } from "./feed-uri.ts";
import type { Publisher, PublisherTokens } from "./publisher-token.ts";

const MAX_PUBLICATIONS = 100;
const MAX_PEOPLE = 100;
const MAX_VALUE_BYTES = 64 * 1024;
/** What goes through a value goes down with it: thousands of levels would exhaust the stack. */
const MAX_LEVELS = 100;

const guid = z.guid("an object id, or object-id.tenant-id").toLowerCase();

/** Object id and tenant, as MSAL's home account id has them; the tenant may be left out. */
const person = z
  .string()
  .transform((text): unknown => text.split("."))
  .pipe(z.tuple([guid, guid.optional()]))
  .transform(([objectId, tenantId]) => ({ objectId, tenantId }));

const publication = z.strictObject({
  topic: z
    .string()
    .regex(
      TOPIC,
      "a letter or digit, then letters, digits, dots, dashes and underscores; 64 at most",
    ),
  value: z
    .unknown()
    .refine((value) => hasLevels(value, MAX_LEVELS), {
      error: `${MAX_LEVELS} levels at most`,
      abort: true,
    })
    .pipe(z.json())
    .refine((value) => Buffer.byteLength(toText(value)) <= MAX_VALUE_BYTES, "64 KiB at most"),
  /** Grows from one value of a topic to the next. */
  sequence: z.int().min(0),
  /** Those whom it is for; without them, it is for everybody. */
  people: z.array(person).min(1).max(MAX_PEOPLE).optional(),
  /** The app role that a reader needs. */
  requiredRole: z
    .string()
    .regex(/^[\w.-]{1,120}$/)
    .optional(),
});
type Publication = z.infer<typeof publication>;

const publications = z.array(publication).min(1).max(MAX_PUBLICATIONS);

/**
 * `POST /publish`: another system of the tenant sets the values of feeds. What it sends twice counts once, so
 * that after a fault it sends the whole again.
 */
export function publishHandler(deps: {
  publisherTokens: PublisherTokens;
  feeds: Feeds;
  relay: Relay;
}): Handler {
  return async (request, { log }) => {
    const publisher = await checked(request, log);
    const parsed = publications.safeParse(await readJson(request, MCP_BODY_LIMIT_BYTES));
    if (!parsed.success) {
      throw new OAuthError("invalid_request", z.prettifyError(parsed.error));
    }
    const { objectId: actor } = publisher;
    if (parsed.data.some((entry) => isForOthers(entry, publisher))) {
      log.audit("published", { outcome: "denied", actor, reason: "other_tenant" });
      throw new OAuthError("insufficient_scope", "You may publish for people of your tenant only.");
    }
    const results = [];
    for (const entry of parsed.data) {
      const result = await publish(publisher, entry);
      log.audit("published", { outcome: "success", actor, topic: entry.topic, reason: result });
      results.push({ topic: entry.topic, result });
    }
    return Response.json(results, { headers: { "Cache-Control": "no-store" } });
  };

  async function checked(request: Request, log: Parameters<Handler>[1]["log"]): Promise<Publisher> {
    try {
      return await deps.publisherTokens.check(request);
    } catch (error) {
      if (error instanceof OAuthError) {
        log.audit("published", { outcome: "denied", reason: error.code });
      }
      throw error;
    }
  }

  /** @returns What became of it: of several people's values, the best. */
  async function publish(publisher: Publisher, entry: Publication) {
    const { topic, people, requiredRole } = entry;
    const value: FeedValue = {
      text: toText(entry.value),
      mimeType: typeof entry.value === "string" ? "text/plain" : "application/json",
      sequence: entry.sequence,
      requiredRole,
    };
    // Who is of another tenant has another key, whatever their object id.
    const { tenantId } = publisher;
    const userKeys = people?.map(({ objectId }) => userKeyOf({ tenantId, objectId }));
    const audiences: Audience[] = userKeys?.map((userKey) => ({ userKey })) ?? ["everyone"];
    const published = await Promise.all(
      audiences.map((audience) => deps.feeds.publish(topic, audience, value)),
    );
    const outcomes = published.map(({ outcome }) => outcome);
    if (published.some(({ tell }) => tell)) {
      const isNew = published.some((it) => it.isNew);
      await deps.relay.announceFeed({ uri: feedUri(topic), userKeys, requiredRole, isNew });
    }
    return outcomes.includes("published") ? "published" : (outcomes[0] ?? "stale");
  }
}

/** Whether it names somebody of another tenant than the publisher's. */
function isForOthers({ people = [] }: Publication, publisher: Publisher): boolean {
  return people.some(({ tenantId = publisher.tenantId }) => tenantId !== publisher.tenantId);
}

/** Whether a value has so many levels at most. */
function hasLevels(value: unknown, most: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return most > 0 && Object.values(value).every((part) => hasLevels(part, most - 1));
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
