import { z } from "zod";
import type { Clock } from "../../clock.ts";
import { sha256 } from "../../digest.ts";
import { type Random, randomId, randomSecret } from "../../random.ts";
import type { Expiries } from "../../storage/expiries.ts";
import { type Key, RowChanged, RowExists, type Store } from "../../storage/store.ts";
import { type Typed, TypedTable } from "../../storage/typed-table.ts";
import { ASSERTION_ALGORITHMS, AUTHENTICATION_METHODS, type Client } from "./client.ts";
import type { ClientMetadata } from "./client-metadata.ts";
import { keySet } from "./key-set.ts";

/** A client that has registered itself. */
export interface RegisteredClient extends Client {
  /** Milliseconds since the epoch. */
  readonly registeredAt: number;
}

/** A registration as its client is told of it. */
export interface Registration {
  readonly client: RegisteredClient;
  /** Told once; only its hash is kept. */
  readonly secret?: string;
}

const row = z.object({
  name: z.string(),
  uri: z.string().optional(),
  redirectUris: z.string(),
  authMethod: z.enum(AUTHENTICATION_METHODS).default("none"),
  secretHash: z.string().optional(),
  jwks: z.string().optional(),
  jwksUri: z.string().optional(),
  algorithm: z.enum(ASSERTION_ALGORITHMS).optional(),
  registeredAt: z.number(),
  expiresAt: z.number(),
});

type Row = z.infer<typeof row>;

const redirectUris = z.array(z.string());

/** What this server issued as a client id; anything else is not looked up. */
const CLIENT_ID = /^[A-Za-z0-9_-]{22}$/;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A registration that nobody has signed in with is forgotten after a day. */
const UNUSED_TTL_MS = DAY_MS;
/** One that is used stays for so long after its last use. */
const USED_TTL_MS = 90 * DAY_MS;

/** The clients that have registered themselves (RFC 7591). */
export class RegisteredClients {
  readonly #table;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #expiries: Expiries;

  constructor(deps: { store: Store; random: Random; clock: Clock; expiries: Expiries }) {
    this.#table = new TypedTable<Row>(deps.store, "clients", row);
    this.#random = deps.random;
    this.#clock = deps.clock;
    this.#expiries = deps.expiries;
  }

  /** Registers a client. A public one that is registered already, to the letter, keeps its id. */
  async register(metadata: ClientMetadata): Promise<Registration> {
    const { method } = metadata.authentication;
    if (method === "none") return { client: await this.#registerPublic(toRow(metadata)) };
    const id = randomId(this.#random);
    if (method === "private_key_jwt") return { client: await this.#insert(id, toRow(metadata)) };
    const secret = randomSecret(this.#random);
    const value = { ...toRow(metadata), secretHash: sha256(secret) };
    return { client: await this.#insert(id, value), secret };
  }

  /** @returns The client, or undefined where none has that id. */
  async find(id: string): Promise<RegisteredClient | undefined> {
    const value = CLIENT_ID.test(id) ? (await this.#table.get(keyOf(id)))?.value : undefined;
    if (value === undefined || this.#clock.now() >= value.expiresAt) return undefined;
    return toClient(id, value);
  }

  /** Keeps a client that is used. Written once a day at most. */
  async keep(id: string): Promise<void> {
    if (!CLIENT_ID.test(id)) return;
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
    try {
      await this.#table.delete(key, found.etag);
      return undefined;
    } catch (error) {
      if (!(error instanceof RowChanged)) throw error;
      // Just registered again.
      return this.expire(key);
    }
  }

  /**
   * RFC 7591 §3.2.1 allows one id for several instances of a client. Some register anew at each start: with the
   * id made from the metadata that costs a read, not a row. What is shared is public: codes and tokens stay with
   * the browser, redirect URI and PKCE verifier that they were for (docs/adr/0011).
   */
  async #registerPublic(metadata: RowMetadata): Promise<RegisteredClient> {
    const id = sha256(fingerprint(metadata)).slice(0, 22);
    const found = await this.#table.get(keyOf(id));
    try {
      if (found === undefined) return await this.#insert(id, metadata);
      // A hash cut to 132 bits could be made to collide, with patience.
      if (fingerprint(found.value) !== fingerprint(metadata)) {
        return await this.#insert(randomId(this.#random), metadata);
      }
      return await this.#renew(id, found);
    } catch (error) {
      if (!(error instanceof RowExists) && !(error instanceof RowChanged)) throw error;
      // Somebody else is registering the same at this moment.
      return this.#registerPublic(metadata);
    }
  }

  async #insert(id: string, metadata: RowMetadata): Promise<RegisteredClient> {
    const registeredAt = this.#clock.now();
    const value = { ...metadata, registeredAt, expiresAt: registeredAt + UNUSED_TTL_MS };
    await this.#expiries.note({ table: "clients", key: keyOf(id) }, value.expiresAt);
    await this.#table.insert(keyOf(id), value);
    return toClient(id, value);
  }

  /** A registration lives for a day, the repeated one too. Written once an hour at most. */
  async #renew(id: string, found: Typed<Row>): Promise<RegisteredClient> {
    const now = this.#clock.now();
    const expiresAt = now + UNUSED_TTL_MS;
    if (expiresAt - found.value.expiresAt < HOUR_MS) return toClient(id, found.value);
    const registeredAt = now < found.value.expiresAt ? found.value.registeredAt : now;
    const value = { ...found.value, registeredAt, expiresAt };
    await this.#expiries.note({ table: "clients", key: keyOf(id) }, expiresAt);
    await this.#table.replace(found, value);
    return toClient(id, value);
  }
}

type RowMetadata = Omit<Row, "registeredAt" | "expiresAt">;

function toRow({ name, uri, redirectUris: uris, authentication }: ClientMetadata): RowMetadata {
  return {
    name: name ?? "Unnamed client",
    uri,
    redirectUris: JSON.stringify(uris),
    authMethod: authentication.method,
    ...(authentication.method === "private_key_jwt" && {
      algorithm: authentication.algorithm,
      ...("jwksUri" in authentication.keys
        ? { jwksUri: authentication.keys.jwksUri }
        : { jwks: JSON.stringify(authentication.keys.jwks) }),
    }),
  };
}

function toClient(id: string, value: Row): RegisteredClient {
  return {
    id,
    name: value.name,
    uri: value.uri,
    redirectUris: redirectUris.parse(JSON.parse(value.redirectUris)),
    authentication: toAuthentication(value),
    registeredAt: value.registeredAt,
  };
}

function toAuthentication(value: Row): Client["authentication"] {
  const { authMethod: method, secretHash = "", jwks, jwksUri, algorithm } = value;
  switch (method) {
    case "none":
      return { method };
    case "client_secret_basic":
    case "client_secret_post":
      return { method, secretHash };
    case "private_key_jwt": {
      const keys =
        jwksUri === undefined ? { jwks: keySet.parse(JSON.parse(jwks ?? "")) } : { jwksUri };
      return { method, keys, algorithm };
    }
  }
}

function fingerprint({ name, uri, redirectUris: uris, authMethod }: RowMetadata): string {
  return JSON.stringify([authMethod, name, uri ?? null, uris]);
}

function keyOf(id: string): Key {
  return { partition: id, row: "registration" };
}
