import { getRandomValues } from "node:crypto";

/** The one source of randomness. Tests hand in their own. */
export interface Random {
  /** @returns `length` unpredictable bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

export const systemRandom: Random = {
  bytes: (length) => getRandomValues(new Uint8Array(length)),
};

/** An identifier nobody can guess: 128 bits, base64url, safe in URLs, headers and table keys. */
export function randomId(random: Random): string {
  return Buffer.from(random.bytes(16)).toString("base64url");
}

/** A secret nobody can guess: 256 bits, base64url. */
export function randomSecret(random: Random): string {
  return Buffer.from(random.bytes(32)).toString("base64url");
}
