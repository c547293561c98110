/** A JSON document that a stranger's URL led to. */
export interface FetchedDocument {
  readonly body: unknown;
  /** Names in lower case; they say how long the document may be kept. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The seam to the documents of strangers. The adapter is `public-document-fetch.ts`; tests hand in their own.
 *
 * @throws DocumentRefused and DocumentUnavailable
 */
export type DocumentFetch = (url: string, limitBytes: number) => Promise<FetchedDocument>;

/** There is no document that can be used. The message goes on after "The document …". */
export class DocumentRefused extends Error {
  override name = "DocumentRefused";
}

/** Nobody can say right now: it did not answer in time, or said that it cannot. */
export class DocumentUnavailable extends Error {
  override name = "DocumentUnavailable";
}
