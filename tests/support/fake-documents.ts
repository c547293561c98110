import {
  type DocumentFetch,
  DocumentRefused,
  type FetchedDocument,
} from "../../shared/oauth/clients/document-fetch.ts";

/** The Internet as far as clients' documents go: what a test has put there, and nothing else. */
export class FakeDocuments {
  readonly #published = new Map<string, FetchedDocument | Error>();
  /** Every URL that was fetched, in order. */
  readonly fetched: string[] = [];

  /** Publishes a document, or an error in its place. */
  publish(url: string, document: unknown, headers: Record<string, string> = {}): void {
    this.#published.set(url, document instanceof Error ? document : { body: document, headers });
  }

  readonly fetch: DocumentFetch = async (url) => {
    this.fetched.push(url);
    const found = this.#published.get(url) ?? new DocumentRefused("answers 404");
    if (found instanceof Error) throw found;
    return found;
  };
}
