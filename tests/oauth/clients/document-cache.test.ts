import { beforeEach, describe, expect, it } from "vitest";
import { DocumentCache } from "../../../shared/oauth/clients/document-cache.ts";
import {
  DocumentRefused,
  DocumentUnavailable,
} from "../../../shared/oauth/clients/document-fetch.ts";
import { FakeDocuments } from "../../support/fake-documents.ts";
import { TestClock } from "../../support/test-clock.ts";

const URL = "https://client.example/m";
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let clock: TestClock;
let documents: FakeDocuments;
let cache: DocumentCache<{ body: unknown }>;

beforeEach(() => {
  clock = new TestClock();
  documents = new FakeDocuments();
  cache = new DocumentCache({
    fetchDocument: documents.fetch,
    clock,
    limitBytes: 1_024,
    parse: (_url, body) => ({ body }),
  });
});

/** @returns Whether the document is fetched again after so long. */
async function fetchedAgainAfter(seconds: number): Promise<boolean> {
  const before = documents.fetched.length;
  clock.advance({ seconds });
  await cache.get(URL);
  return documents.fetched.length > before;
}

describe("the cache of documents", () => {
  it.each([
    ["max-age", { "cache-control": "max-age=3600" }, HOUR],
    ["s-maxage before max-age", { "cache-control": "max-age=60, s-maxage=7200" }, 2 * HOUR],
    ["max-age less Age", { "cache-control": "max-age=3600", age: "1800" }, HOUR / 2],
    ["at least a minute, whatever it says", { "cache-control": "no-store" }, MINUTE],
    ["a minute where it says nothing", {}, MINUTE],
    ["seven days at most", { "cache-control": "max-age=31536000" }, 7 * DAY],
    [
      "not what stale-while-revalidate adds",
      { "cache-control": "max-age=3600, stale-while-revalidate=9999" },
      HOUR,
    ],
  ])("keeps a document for %s (RFC 9111)", async (_what, headers, lifetime) => {
    documents.publish(URL, 1, headers);
    await cache.get(URL);
    expect(await fetchedAgainAfter(lifetime - 5)).toBe(false);
    expect(await fetchedAgainAfter(6)).toBe(true);
  });

  it("fetches once for many who ask at the same time", async () => {
    documents.publish(URL, 1);
    const values = await Promise.all(Array.from({ length: 20 }, () => cache.get(URL)));
    expect(documents.fetched).toEqual([URL]);
    expect(new Set(values).size).toBe(1);
  });

  it.each([
    ["refused", new DocumentRefused("answers 404"), DocumentRefused],
    ["unavailable", new DocumentUnavailable("answers 500"), DocumentUnavailable],
  ])("asks for a document that was %s once in 30 seconds", async (_what, error, type) => {
    documents.publish(URL, error);
    await expect(cache.get(URL)).rejects.toThrow(type);
    clock.advance({ seconds: 29 });
    await expect(cache.get(URL)).rejects.toThrow(type);
    expect(documents.fetched).toHaveLength(1);
    documents.publish(URL, 1);
    clock.advance({ seconds: 1 });
    expect(await cache.get(URL)).toEqual({ body: 1 });
  });

  it("uses its copy for a day more while the host is away", async () => {
    documents.publish(URL, 1, { "cache-control": "max-age=3600" });
    await cache.get(URL);
    documents.publish(URL, new DocumentUnavailable("answers 500"));
    clock.advance({ seconds: HOUR + DAY - 1 });
    expect(await cache.get(URL)).toEqual({ body: 1 });
    clock.advance({ seconds: 1 });
    await expect(cache.get(URL)).rejects.toThrow(DocumentUnavailable);
  });

  it("never uses a copy that is older than seven days", async () => {
    documents.publish(URL, 1, { "cache-control": "max-age=31536000" });
    await cache.get(URL);
    documents.publish(URL, new DocumentUnavailable("answers 500"));
    clock.advance({ seconds: 7 * DAY });
    await expect(cache.get(URL)).rejects.toThrow(DocumentUnavailable);
  });

  it("does not use a stale copy where the document forbids it (RFC 9111 §4.2.4)", async () => {
    documents.publish(URL, 1, { "cache-control": "max-age=3600, must-revalidate" });
    await cache.get(URL);
    documents.publish(URL, new DocumentUnavailable("answers 500"));
    clock.advance({ seconds: HOUR });
    await expect(cache.get(URL)).rejects.toThrow(DocumentUnavailable);
  });

  it("drops a document that is gone, also when its host is away afterwards", async () => {
    documents.publish(URL, 1, { "cache-control": "max-age=3600" });
    await cache.get(URL);
    documents.publish(URL, new DocumentRefused("answers 410"));
    clock.advance({ seconds: HOUR });
    await expect(cache.get(URL)).rejects.toThrow(DocumentRefused);
    documents.publish(URL, new DocumentUnavailable("answers 500"));
    clock.advance({ seconds: 30 });
    await expect(cache.get(URL)).rejects.toThrow(DocumentUnavailable);
  });

  it("keeps what is good however many URLs are invented", async () => {
    documents.publish(URL, 1, { "cache-control": "max-age=3600" });
    await cache.get(URL);
    for (let n = 0; n < 1_000; n++) await cache.get(`${URL}/${n}`).catch(() => {});
    expect(await fetchedAgainAfter(1)).toBe(false);
  });
});
