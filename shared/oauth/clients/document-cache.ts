import CachePolicy from "http-cache-semantics";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../clock.ts";
import { type DocumentFetch, DocumentUnavailable, type FetchedDocument } from "./document-fetch.ts";

const MAX_DOCUMENTS = 500;
const DAY_MS = 86_400_000;
/** However short a document says, a sign-in of several requests reads it once. */
const MIN_FRESH_MS = 60_000;
const MAX_AGE_MS = 7 * DAY_MS;
/** For so long after its freshness a document is used when its host is away. */
const STALE_MS = DAY_MS;
/** After a failure the URL is left alone for so long, so that requests here are not requests there. */
const PAUSE_MS = 30_000;

interface Held<T> {
  readonly value: T;
  readonly fetchedAt: number;
  readonly freshUntil: number;
  readonly usableUntil: number;
}

interface Failure {
  readonly error: unknown;
  readonly until: number;
}

/** Documents of strangers, kept as long as their HTTP headers say (RFC 9111), within limits. In this process only. */
export class DocumentCache<T extends object> {
  readonly #fetch: DocumentFetch;
  readonly #clock: Clock;
  readonly #limitBytes: number;
  readonly #parse: (url: string, body: unknown) => T;
  readonly #held = new LRUCache<string, Held<T>>({ max: MAX_DOCUMENTS });
  // Apart, so that inventing URLs does not push out what is good.
  readonly #failures = new LRUCache<string, Failure>({ max: MAX_DOCUMENTS });
  readonly #underWay = new Map<string, Promise<T>>();

  /** @param deps.parse Throws DocumentRefused. */
  constructor(deps: {
    fetchDocument: DocumentFetch;
    clock: Clock;
    limitBytes: number;
    parse: (url: string, body: unknown) => T;
  }) {
    this.#fetch = deps.fetchDocument;
    this.#clock = deps.clock;
    this.#limitBytes = deps.limitBytes;
    this.#parse = deps.parse;
  }

  /**
   * @param maxAgeMs Fetches anew what was fetched longer ago, fresh or not.
   * @throws DocumentRefused where there is none to use; DocumentUnavailable where nobody can say.
   */
  async get(url: string, maxAgeMs = MAX_AGE_MS): Promise<T> {
    const now = this.#clock.now();
    const held = this.#held.get(url);
    if (held !== undefined && now < Math.min(held.freshUntil, held.fetchedAt + maxAgeMs)) {
      return held.value;
    }
    try {
      return await this.#fetchOnce(url);
    } catch (error) {
      // Who was let in yesterday is not locked out because a web server restarts. A document that is gone,
      // or that is no good any more, ends at once.
      if (error instanceof DocumentUnavailable && held !== undefined && now < held.usableUntil) {
        return held.value;
      }
      throw error;
    }
  }

  async #fetchOnce(url: string): Promise<T> {
    const failure = this.#failures.get(url);
    if (failure !== undefined && this.#clock.now() < failure.until) throw failure.error;
    return this.#underWay.get(url) ?? this.#start(url);
  }

  #start(url: string): Promise<T> {
    const underWay = this.#load(url).finally(() => this.#underWay.delete(url));
    this.#underWay.set(url, underWay);
    return underWay;
  }

  async #load(url: string): Promise<T> {
    try {
      const document = await this.#fetch(url, this.#limitBytes);
      const value = this.#parse(url, document.body);
      this.#held.set(url, { value, ...lifetime(document, this.#clock.now()) });
      this.#failures.delete(url);
      return value;
    } catch (error) {
      this.#failures.set(url, { error, until: this.#clock.now() + PAUSE_MS });
      if (!(error instanceof DocumentUnavailable)) this.#held.delete(url);
      throw error;
    }
  }
}

function lifetime({ headers }: FetchedDocument, now: number): Omit<Held<unknown>, "value"> {
  const policy = new CachePolicy({ headers: {} }, { status: 200, headers });
  // Not timeToLive(): it counts what stale-if-error and stale-while-revalidate allow as fresh.
  const freshMs = (policy.maxAge() - policy.age()) * 1_000;
  const freshUntil = now + Math.min(Math.max(freshMs, MIN_FRESH_MS), MAX_AGE_MS);
  // RFC 9111 §4.2.4: these forbid the use of a stale copy.
  const noStale = /\b(?:no-store|no-cache|must-revalidate|proxy-revalidate|s-maxage)\b/i;
  const staleMs = noStale.test(headers["cache-control"] ?? "") ? 0 : STALE_MS;
  const usableUntil = Math.min(freshUntil + staleMs, now + MAX_AGE_MS);
  return { fetchedAt: now, freshUntil, usableUntil };
}
