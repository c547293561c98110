import type { Clock } from "../../clock.ts";
import { sha256 } from "../../digest.ts";
import { type Random, randomId, randomSecret } from "../../random.ts";
import type { Expiries } from "../../storage/expiries.ts";
import { expireRow } from "../../storage/expire-row.ts";
import { type Key, RowChanged, RowExists, type Store } from "../../storage/store.ts";
import { type Typed, TypedTable } from "../../storage/typed-table.ts";
import type { Client } from "./client.ts";
import type { ClientMetadata } from "./client-metadata.ts";
import {
  fingerprint,
  keyOf,
  type RegistrationRow,
  registrationRow,
  type RowMetadata,
  toClient,
  toRow,
} from "./registration-row.ts";

/** A registration as its client is told of it. */
export interface Registration {
  readonly client: Client;
  /** When the client id was issued (ms). */
  readonly issuedAt: number;
  /** Told once; only its hash is kept. */
  readonly secret?: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A registration that nobody has signed in with is forgotten after a day. */
const UNUSED_TTL_MS = DAY_MS;
/** One that is used stays for so long after its last use. */
const USED_TTL_MS = 91 * DAY_MS;

/** The clients that have registered themselves (RFC 7591). */
export class RegisteredClients {
  readonly #table;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #expiries: Expiries;

  constructor(deps: { store: Store; random: Random; clock: Clock; expiries: Expiries }) {
    this.#table = new TypedTable<RegistrationRow>(deps.store, "clients", registrationRow);
    this.#random = deps.random;
    this.#clock = deps.clock;
    this.#expiries = deps.expiries;
  }

  /** Registers a client under an id of its own. Public clients that say the same share a row. */
  async register(metadata: ClientMetadata): Promise<Registration> {
    const issuedAt = this.#clock.now();
    const { method } = metadata.authentication;
    if (method === "none") {
      return { client: await this.#registerPublic(toRow(metadata)), issuedAt };
    }
    if (method === "private_key_jwt") {
      return { client: await this.#registerAlone(toRow(metadata)), issuedAt };
    }
    const secret = randomSecret(this.#random);
    const value = { ...toRow(metadata), secretHash: sha256(secret) };
    return { client: await this.#registerAlone(value), issuedAt, secret };
  }

  /** @returns The client, or undefined where none has that id. */
  async find(id: string): Promise<Client | undefined> {
    const key = keyOf(id);
    const value = key && (await this.#table.get(key))?.value;
    if (value === undefined || this.#clock.now() >= value.expiresAt) return undefined;
    return toClient(id, value);
  }

  /** Keeps a client that is used. Written once a day at most. */
  async keep(id: string): Promise<void> {
    const key = keyOf(id);
    const found = key && (await this.#table.get(key));
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
  expire(key: Key): Promise<number | undefined> {
    return expireRow(this.#table, key, this.#clock, ({ value }) => value.expiresAt);
  }

  async #registerAlone(metadata: RowMetadata): Promise<Client> {
    const id = randomId(this.#random);
    const key = { partition: id, row: "registration" };
    // Put and not inserted: storage may take it, and the answer be lost (docs/storage.md).
    await this.#table.put(key, await this.#begin(key, metadata));
    return toClient(id, metadata);
  }

  /**
   * Some clients register anew at each start, and anyone may: where the row is named after what it says, that
   * costs a read. The id is new each time, so that nobody can know, or be taken for, another: docs/adr/0009.
   */
  async #registerPublic(metadata: RowMetadata): Promise<Client> {
    const key = { partition: sha256(fingerprint(metadata)).slice(0, 22), row: "shared" };
    const found = await this.#table.get(key);
    // A hash cut to 132 bits could be made to collide, with patience.
    if (found !== undefined && fingerprint(found.value) !== fingerprint(metadata)) {
      return this.#registerAlone(metadata);
    }
    try {
      if (found === undefined) await this.#table.insert(key, await this.#begin(key, metadata));
      else await this.#renew(found);
    } catch (error) {
      if (!(error instanceof RowExists) && !(error instanceof RowChanged)) throw error;
      // Somebody else is registering the same at this moment.
      return this.#registerPublic(metadata);
    }
    return toClient(`${key.partition}${randomId(this.#random)}`, metadata);
  }

  /** @returns The row of a registration that begins; when it may end is noted. */
  async #begin(key: Key, metadata: RowMetadata): Promise<RegistrationRow> {
    const registeredAt = this.#clock.now();
    const expiresAt = registeredAt + UNUSED_TTL_MS;
    await this.#expiries.note({ table: "clients", key }, expiresAt);
    return { ...metadata, registeredAt, expiresAt };
  }

  /** A registration lives for a day, the repeated one too. Written once an hour at most. */
  async #renew(found: Typed<RegistrationRow>): Promise<void> {
    const expiresAt = this.#clock.now() + UNUSED_TTL_MS;
    if (expiresAt - found.value.expiresAt < HOUR_MS) return;
    await this.#expiries.note({ table: "clients", key: found.key }, expiresAt);
    await this.#table.replace(found, { ...found.value, expiresAt });
  }
}
