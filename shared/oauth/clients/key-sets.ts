import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../../clock.ts";
import type { ClientKeys } from "./client.ts";
import { DocumentCache } from "./document-cache.ts";
import { type DocumentFetch, DocumentRefused } from "./document-fetch.ts";
import { keySet } from "./key-set.ts";

const MAX_KEY_SET_BYTES = 32 * 1024;

/** A set that lacks a key is fetched anew, this often at most: the client may have just rotated. */
const REFETCH_MS = 60_000;

/** The public keys of clients, wherever they are published. */
export class KeySets {
  readonly #sets: DocumentCache<JSONWebKeySet>;

  constructor(deps: { fetchDocument: DocumentFetch; clock: Clock }) {
    this.#sets = new DocumentCache({ ...deps, limitBytes: MAX_KEY_SET_BYTES, parse: parseKeySet });
  }

  /** @returns What finds the key that a JWT's header names. It throws as {@link DocumentCache.get}. */
  of(keys: ClientKeys): JWTVerifyGetKey {
    if ("jwks" in keys) return createLocalJWKSet(keys.jwks);
    const { jwksUri } = keys;
    return async (header, token) => {
      try {
        return await createLocalJWKSet(await this.#sets.get(jwksUri))(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
        return createLocalJWKSet(await this.#sets.get(jwksUri, REFETCH_MS))(header, token);
      }
    };
  }
}

function parseKeySet(_url: string, body: unknown): JSONWebKeySet {
  const parsed = keySet.safeParse(body);
  if (!parsed.success) throw new DocumentRefused("is not a set of public keys");
  return parsed.data;
}
