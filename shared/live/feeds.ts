import { z } from "zod";
import type { Clock } from "../clock.ts";
import { joinText, longText, splitText } from "../storage/long-text.ts";
import { type Key, RowChanged, RowExists, type Store } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";
import { TOPIC } from "./feed-uri.ts";

const valueRow = longText.and(
  z.object({
    sequence: z.number().int(),
    mimeType: z.enum(["application/json", "text/plain"]),
    /** The app role that a reader needs; empty for none. */
    requiredRole: z.string(),
    publishedAt: z.number(),
  }),
);
const topicRow = z.object({ requiredRole: z.string() });

/** What a feed says to whom, from one publication to the next. */
export interface FeedValue {
  readonly text: string;
  readonly mimeType: "application/json" | "text/plain";
  /** Chosen by the publisher: it grows from one value to the next. */
  readonly sequence: number;
  readonly requiredRole: string | undefined;
}

/** Everybody, or the person with this user key. */
export type Audience = "everyone" | { readonly userKey: string };

/** What became of a publication: an older number never replaces a newer one, and the same one changes nothing. */
export type Published = "published" | "unchanged" | "stale";

/** The person who reads. */
export interface Reader {
  readonly userKey: string;
  readonly roles: readonly string[];
}

/**
 * The `feeds` table: a topic's value for everybody in the topic's partition, and beside it the values for
 * single persons, which take its place for them. Topics are listed in partitions of their own, one for
 * everybody's and one for each person's.
 */
export class Feeds {
  readonly #values;
  readonly #topics;
  readonly #clock: Clock;

  constructor(deps: { store: Store; clock: Clock }) {
    this.#values = new TypedTable(deps.store, "feeds", valueRow);
    this.#topics = new TypedTable(deps.store, "feeds", topicRow);
    this.#clock = deps.clock;
  }

  /**
   * Sets a topic's value.
   *
   * @returns What became of it, whether its readers are to be told, and whether the topic is a new one to them.
   * @throws StorageUnavailable: publish again, with the same number.
   */
  async publish(
    topic: string,
    audience: Audience,
    value: FeedValue,
  ): Promise<{ outcome: Published; tell: boolean; isNew: boolean }> {
    const requiredRole = value.requiredRole ?? "";
    const row = {
      ...splitText(value.text),
      sequence: value.sequence,
      mimeType: value.mimeType,
      requiredRole,
      publishedAt: this.#clock.now(),
    };
    const { outcome, kept } = await this.#write(valueKey(topic, audience), row);
    // Also where nothing has changed: the listing and the telling may be what failed last time. But who reads
    // what is kept is not decided by what comes with its number later.
    const tell = outcome !== "stale" && kept.requiredRole === requiredRole;
    const isNew = tell && (await this.#list(topic, audience, requiredRole));
    return { outcome, tell, isNew };
  }

  /** @returns What the topic says to this person, or undefined where it says nothing to them. */
  async read(topic: string, reader: Reader): Promise<FeedValue | undefined> {
    // A client can ask for anything, also for what no table has a key for.
    if (!TOPIC.test(topic)) return undefined;
    for (const audience of [{ userKey: reader.userKey }, "everyone"] as const) {
      const found = await this.#values.get(valueKey(topic, audience));
      if (found === undefined) continue;
      const { sequence, mimeType, requiredRole } = found.value;
      if (requiredRole !== "" && !reader.roles.includes(requiredRole)) continue;
      const text = joinText(found.value);
      return { text, mimeType, sequence, requiredRole: requiredRole || undefined };
    }
    return undefined;
  }

  /** @returns The topics that this person can read, in alphabetical order. */
  async topics({ userKey, roles }: Reader): Promise<string[]> {
    const found = new Set<string>();
    for (const partition of [topicsPartition("everyone"), topicsPartition({ userKey })]) {
      for await (const { key, value } of this.#topics.list(partition)) {
        if (value.requiredRole === "" || roles.includes(value.requiredRole)) found.add(key.row);
      }
    }
    return [...found].toSorted();
  }

  async #write(
    key: Key,
    row: z.infer<typeof valueRow>,
  ): Promise<{ outcome: Published; kept: z.infer<typeof valueRow> }> {
    for (;;) {
      const found = await this.#values.get(key);
      if (found !== undefined && found.value.sequence >= row.sequence) {
        const outcome = found.value.sequence === row.sequence ? "unchanged" : "stale";
        return { outcome, kept: found.value };
      }
      try {
        if (found === undefined) await this.#values.insert(key, row);
        // What the last value had in more parts than this one must not stay.
        else await this.#values.replace({ ...found, unknown: {} }, row);
        return { outcome: "published", kept: row };
      } catch (error) {
        if (!(error instanceof RowChanged) && !(error instanceof RowExists)) throw error;
      }
    }
  }

  /** @returns Whether the topic was not listed before, or to others. */
  async #list(topic: string, audience: Audience, requiredRole: string): Promise<boolean> {
    const key = { partition: topicsPartition(audience), row: topic };
    const listed = await this.#topics.get(key);
    if (listed?.value.requiredRole === requiredRole) return false;
    await this.#topics.put(key, { requiredRole });
    return true;
  }
}

function valueKey(topic: string, audience: Audience): Key {
  const row = audience === "everyone" ? "everyone" : `person ${audience.userKey}`;
  return { partition: `topic ${topic}`, row };
}

function topicsPartition(audience: Audience): string {
  return audience === "everyone" ? "topics" : `topics of ${audience.userKey}`;
}
