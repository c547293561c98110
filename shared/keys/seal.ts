import { hkdfSync } from "node:crypto";
import { decodeProtectedHeader, errors, FlattenedEncrypt, flattenedDecrypt } from "jose";
import type { z } from "zod";
import type { DataKey } from "./data-keys.ts";
import type { Keyring } from "./keyring.ts";

/** What a sealed value or a MAC is for. Each purpose has a key of its own, derived from the data key. */
export type Purpose =
  | "signing-key"
  | "token-cache"
  | "transaction"
  | "transaction-cookie"
  | "consent-request"
  | "consent-cookie"
  | "account-session"
  | "account-form"
  | "refresh-token"
  | "retry-answer"
  | "relay"
  | "rate-limit"
  | "event"
  | "request-state";

const utf8 = new TextEncoder();

/** Derived and imported once for a data key and a purpose: it costs more than to seal a line of text. */
const encryptionKeys = new WeakMap<DataKey, Map<Purpose, Promise<CryptoKey>>>();

/** Sealed text that is not whole, not ours, or not meant for this place. */
export class SealBroken extends Error {
  override name = "SealBroken";
}

/**
 * Encrypts `text` with AES-256-GCM (JWE `dir`, RFC 7516) and binds it to a place: it opens only for
 * the same purpose and binding, so a sealed value cannot be moved to another row.
 *
 * @returns `header.iv.ciphertext.tag`, each base64url.
 */
export async function seal(
  dataKey: DataKey,
  purpose: Purpose,
  binding: string,
  text: string,
): Promise<string> {
  const jwe = await new FlattenedEncrypt(utf8.encode(text))
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid: dataKey.kid })
    .setAdditionalAuthenticatedData(utf8.encode(binding))
    .encrypt(await encryptionKey(dataKey, purpose));
  return [jwe.protected, jwe.iv, jwe.ciphertext, jwe.tag].join(".");
}

/**
 * Opens what {@link seal} made.
 *
 * @param keyOf Finds the data key by the id in the header.
 * @throws SealBroken for anything else.
 */
export async function open(
  keyOf: (kid: string) => DataKey | undefined | Promise<DataKey | undefined>,
  purpose: Purpose,
  binding: string,
  sealed: string,
): Promise<string> {
  const [header, iv, ciphertext, tag] = sealed.split(".");
  try {
    const { plaintext } = await flattenedDecrypt(
      {
        protected: header ?? "",
        iv: iv ?? "",
        ciphertext: ciphertext ?? "",
        tag: tag ?? "",
        aad: Buffer.from(binding).toString("base64url"),
      },
      async (protectedHeader) => {
        const dataKey = await keyOf(protectedHeader?.kid ?? "");
        if (dataKey === undefined) throw new SealBroken("sealed with a key that is not known");
        return encryptionKey(dataKey, purpose);
      },
      { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] },
    );
    return new TextDecoder().decode(plaintext);
  } catch (error) {
    if (error instanceof errors.JOSEError) {
      throw new SealBroken("the sealed value is not one of ours", { cause: error });
    }
    throw error;
  }
}

/** @returns The id of the data key that made what {@link seal} returned. */
export function sealedWith(sealed: string): string | undefined {
  return decodeProtectedHeader({ protected: sealed.split(".", 1).join() }).kid;
}

function encryptionKey(dataKey: DataKey, purpose: Purpose): Promise<CryptoKey> {
  const ofDataKey = encryptionKeys.get(dataKey) ?? new Map<Purpose, Promise<CryptoKey>>();
  encryptionKeys.set(dataKey, ofDataKey);
  const key =
    ofDataKey.get(purpose) ??
    crypto.subtle.importKey("raw", deriveKey(dataKey, purpose), "AES-GCM", false, [
      "encrypt",
      "decrypt",
    ]);
  ofDataKey.set(purpose, key);
  return key;
}

/** A key of 32 bytes for one purpose (HKDF, RFC 5869). */
export function deriveKey(dataKey: DataKey, purpose: Purpose): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hkdfSync("sha256", dataKey.secret, "", purpose, 32));
}

/** Sealing with the keyring's current key, opening with whichever key sealed. */
export class Sealer {
  readonly #keyring: Keyring;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** See {@link seal}. */
  async seal(purpose: Purpose, binding: string, text: string): Promise<string> {
    return seal(await this.#keyring.dataKey(), purpose, binding, text);
  }

  /** See {@link open}. */
  open(purpose: Purpose, binding: string, sealed: string): Promise<string> {
    return open((kid) => this.#keyring.dataKeyOf(kid), purpose, binding, sealed);
  }

  /**
   * Opens JSON that has travelled outside: in a form or in a cookie.
   *
   * @returns What was sealed, or undefined for what is not ours, or not whole.
   */
  async openJson<T>(
    purpose: Purpose,
    binding: string,
    sealed: string,
    schema: z.ZodType<T>,
  ): Promise<T | undefined> {
    try {
      return schema.parse(JSON.parse(await this.open(purpose, binding, sealed)));
    } catch (error) {
      if (error instanceof SealBroken) return undefined;
      throw error;
    }
  }
}
