import type { Clock } from "../../clock.ts";
import type { Client } from "./client.ts";
import { DocumentClients } from "./document-clients.ts";
import type { DocumentFetch } from "./document-fetch.ts";
import type { RegisteredClients } from "./registered-clients.ts";

/** Every client this server knows: from the configuration, described by a document, registered by itself. */
export class Clients {
  readonly #configured: ReadonlyMap<string, Client>;
  readonly #documents: DocumentClients;
  readonly #registered: RegisteredClients;

  constructor(deps: {
    registeredClients: readonly Client[];
    registered: RegisteredClients;
    fetchDocument: DocumentFetch;
    clock: Clock;
    issuer: string;
  }) {
    this.#configured = new Map(deps.registeredClients.map((client) => [client.id, client]));
    this.#documents = new DocumentClients(deps);
    this.#registered = deps.registered;
  }

  /**
   * @returns The client, or undefined where none has that id.
   * @throws OAuthError as {@link DocumentClients.find}.
   */
  async find(id: string): Promise<Client | undefined> {
    const configured = this.#configured.get(id);
    if (configured !== undefined) return configured;
    return id.startsWith("https:") ? this.#documents.find(id) : this.#registered.find(id);
  }

  /** Keeps a client that is used, where its registration would end otherwise. */
  keep(id: string): Promise<void> {
    return this.#registered.keep(id);
  }
}
