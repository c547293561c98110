import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import { watchKey, type WatchRows } from "./watch-rows.ts";

/** However still a source is: what is "upcoming" moves on by itself. */
const MAX_AGE_MS = 10 * 60_000;
const REMEMBERED = 5_000;

interface Kept {
  /** Which watch stood when it was read, and how much that one had told by then. */
  readonly state: string;
  readonly readAt: number;
  readonly value: unknown;
}

/**
 * What was read from a watched source, kept until the source says that it has changed. The version of the
 * watch's row tells, so that a change that any instance has heard of counts on all of them. What nobody
 * watches is read anew each time.
 */
export class WatchedCache {
  readonly #rows: WatchRows;
  readonly #clock: Clock;
  readonly #kept = new LRUCache<string, Kept>({ max: REMEMBERED });

  constructor(deps: { watchRows: WatchRows; clock: Clock }) {
    this.#rows = deps.watchRows;
    this.#clock = deps.clock;
  }

  /**
   * @param uri The watched resource.
   * @param variant What else the value depends on.
   * @param read Reads from the source. What it returns belongs to the cache: it is not to be changed.
   */
  async get<T>(userKey: string, uri: string, variant: string, read: () => Promise<T>): Promise<T> {
    const watched = await this.#rows.find(watchKey(userKey, uri));
    const now = this.#clock.now();
    const stands =
      watched !== undefined && watched.value.sourceId !== "" && watched.value.expiresAt > now;
    if (!stands) return read();
    const id = JSON.stringify([userKey, uri, variant]);
    const { secretHash, version } = watched.value;
    // Versions begin again with each watch, and between two of them nobody tells of anything.
    const state = `${secretHash} ${version}`;
    const kept = this.#kept.get(id);
    if (kept?.state === state && now - kept.readAt < MAX_AGE_MS) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same variant was read by the same code
      return kept.value as T;
    }
    const value = await read();
    // The state from before the read: a change in between makes it out of date.
    this.#kept.set(id, { state, readAt: now, value });
    return value;
  }
}
