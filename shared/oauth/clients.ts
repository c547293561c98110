import { z } from "zod";
import type { Clock } from "../clock.ts";
import { type Random, randomId } from "../random.ts";
import type { Store } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";

/** A registered client. All are public (`none`): they prove themselves by PKCE. */
export interface Client {
  readonly id: string;
  /** The client's own claim. Nobody has verified it. */
  readonly name: string;
  readonly uri?: string | undefined;
  readonly redirectUris: readonly string[];
  /** Milliseconds since the epoch. */
  readonly registeredAt: number;
}

const row = z.object({
  name: z.string(),
  uri: z.string().optional(),
  redirectUris: z.string(),
  registeredAt: z.number(),
});

const redirectUris = z.array(z.string());

/** What this server issued as a client id; anything else is not looked up. */
const CLIENT_ID = /^[A-Za-z0-9_-]{22}$/;

/** The clients that have registered themselves (RFC 7591). */
export class Clients {
  readonly #table;
  readonly #random: Random;
  readonly #clock: Clock;

  constructor(deps: { store: Store; random: Random; clock: Clock }) {
    this.#table = new TypedTable(deps.store, "clients", row);
    this.#random = deps.random;
    this.#clock = deps.clock;
  }

  /** Registers a client under a new id. */
  async register(metadata: Pick<Client, "name" | "uri" | "redirectUris">): Promise<Client> {
    const client = {
      ...metadata,
      id: randomId(this.#random),
      registeredAt: this.#clock.now(),
    };
    await this.#table.insert(key(client.id), {
      name: client.name,
      uri: client.uri,
      redirectUris: JSON.stringify(client.redirectUris),
      registeredAt: client.registeredAt,
    });
    return client;
  }

  /** @returns The client, or undefined where none has that id. */
  async find(id: string): Promise<Client | undefined> {
    if (!CLIENT_ID.test(id)) return undefined;
    const value = (await this.#table.get(key(id)))?.value;
    return (
      value && { ...value, id, redirectUris: redirectUris.parse(JSON.parse(value.redirectUris)) }
    );
  }
}

function key(id: string) {
  return { partition: id, row: "registration" };
}
