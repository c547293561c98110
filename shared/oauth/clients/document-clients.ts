import type { Clock } from "../../clock.ts";
import { OAuthError } from "../oauth-error.ts";
import type { Client } from "./client.ts";
import { DocumentCache } from "./document-cache.ts";
import { type DocumentFetch, DocumentRefused, DocumentUnavailable } from "./document-fetch.ts";
import { documentUrlFault } from "./document-url.ts";
import { parseMetadataDocument } from "./metadata-document.ts";

/** MCP authorization 2025-11-25 leaves it to us; the draft (§6.6) proposes 5 KiB. */
const MAX_DOCUMENT_BYTES = 5 * 1024;

/** Clients whose id is the URL of a document that describes them. */
export class DocumentClients {
  readonly #documents;
  readonly #ownHost: string;

  constructor(deps: { fetchDocument: DocumentFetch; clock: Clock; issuer: string }) {
    this.#ownHost = new URL(deps.issuer).host;
    this.#documents = new DocumentCache({
      ...deps,
      limitBytes: MAX_DOCUMENT_BYTES,
      parse: parseMetadataDocument,
    });
  }

  /**
   * @param id An https URL.
   * @throws OAuthError `invalid_client` with what is wrong with the document, for its author to read;
   *   `temporarily_unavailable` while it cannot be read.
   */
  async find(id: string): Promise<Client> {
    const fault = documentUrlFault(id) ?? this.#ownFault(id);
    if (fault !== undefined) throw new OAuthError("invalid_client", `client_id ${fault}.`);
    try {
      return await this.#documents.get(id);
    } catch (cause) {
      if (cause instanceof DocumentRefused) {
        throw new OAuthError("invalid_client", `The document at client_id ${cause.message}.`, {
          cause,
        });
      }
      if (cause instanceof DocumentUnavailable) {
        throw new OAuthError(
          "temporarily_unavailable",
          `The document at client_id ${cause.message}.`,
          { cause, headers: { "Retry-After": "30" } },
        );
      }
      throw cause;
    }
  }

  /** One request to us would become several. */
  #ownFault(id: string): string | undefined {
    return new URL(id).host === this.#ownHost ? "is a URL of this server" : undefined;
  }
}
