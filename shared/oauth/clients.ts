import { z } from "zod";
import type { Clock } from "../clock.ts";
import { type Random, randomId } from "../random.ts";
import type { Expiries } from "../storage/expiries.ts";
import { type Key, RowChanged, type Store } from "../storage/store.ts";
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
  expiresAt: z.number(),
});

const redirectUris = z.array(z.string());

/** What this server issued as a client id; anything else is not looked up. */
const CLIENT_ID = /^[A-Za-z0-9_-]{22}$/;

const DAY_MS = 86_400_000;
/** A registration that nobody has signed in with is forgotten after a day. */
const UNUSED_TTL_MS = DAY_MS;
/** One that is used stays for so long after its last use. */
const USED_TTL_MS = 90 * DAY_MS;

/** The clients that have registered themselves (RFC 7591). */
export class Clients {
  readonly #table;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #expiries: Expiries;

  constructor(deps: { store: Store; random: Random; clock: Clock; expiries: Expiries }) {
    this.#table = new TypedTable(deps.store, "clients", row);
    this.#random = deps.random;
    this.#clock = deps.clock;
    this.#expiries = deps.expiries;
  }

  /** Registers a client under a new id. */
  async register(metadata: Pick<Client, "name" | "uri" | "redirectUris">): Promise<Client> {
    const registeredAt = this.#clock.now();
    const client = { ...metadata, id: randomId(this.#random), registeredAt };
    const expiresAt = registeredAt + UNUSED_TTL_MS;
    await this.#expiries.note({ table: "clients", key: keyOf(client.id) }, expiresAt);
    await this.#table.insert(keyOf(client.id), {
      name: client.name,
      uri: client.uri,
      redirectUris: JSON.stringify(client.redirectUris),
      registeredAt,
      expiresAt,
    });
    return client;
  }

  /** @returns The client, or undefined where none has that id. */
  async find(id: string): Promise<Client | undefined> {
    const value = CLIENT_ID.test(id) ? (await this.#table.get(keyOf(id)))?.value : undefined;
    if (value === undefined || this.#clock.now() >= value.expiresAt) return undefined;
    const { name, uri, registeredAt } = value;
    return {
      id,
      name,
      uri,
      registeredAt,
      redirectUris: redirectUris.parse(JSON.parse(value.redirectUris)),
    };
  }

  /** Keeps a client that is used. Written once a day at most. */
  async keep(id: string): Promise<void> {
    const found = await this.#table.get(keyOf(id));
    const expiresAt = this.#clock.now() + USED_TTL_MS;
    if (found === undefined || expiresAt - found.value.expiresAt < DAY_MS) return;
    try {
      await this.#table.replace(found, { ...found.value, expiresAt });
    } catch (error) {
      // Somebody else has just kept it.
      if (!(error instanceof RowChanged)) throw error;
    }
  }

  /**
   * Removes a registration that has ended.
   *
   * @returns When it will end (ms), where it has not yet.
   */
  async expire(key: Key): Promise<number | undefined> {
    const found = await this.#table.get(key);
    if (found === undefined) return undefined;
    if (this.#clock.now() < found.value.expiresAt) return found.value.expiresAt;
    await this.#table.delete(key);
    return undefined;
  }
}

function keyOf(id: string): Key {
  return { partition: id, row: "registration" };
}
