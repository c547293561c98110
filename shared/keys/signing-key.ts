import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { z } from "zod";
import type { DataKey } from "./data-keys.ts";
import type { SigningKeyRow } from "./key-rows.ts";
import { open, seal, SealBroken } from "./seal.ts";

/** Access tokens are signed with this algorithm and with no other. */
export const SIGNING_ALGORITHM = "ES256";

const ecJwk = z.object({ kty: z.literal("EC"), crv: z.string(), x: z.string(), y: z.string() });
const privateEcJwk = ecJwk.extend({ d: z.string() });

export interface SigningKey {
  readonly kid: string;
  readonly publicJwk: JWK;
  readonly privateKey: CryptoKey;
}

type KeyOf = (kid: string) => Promise<DataKey | undefined>;

/** Makes a key pair and seals it. @param notBefore From when on it signs, in milliseconds since the epoch. */
export async function makeSigningKey(dataKey: DataKey, notBefore: number): Promise<SigningKeyRow> {
  const pair = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true });
  const publicJwk = await exportJWK(pair.publicKey);
  const kid = await calculateJwkThumbprint(publicJwk);
  const secret = JSON.stringify(await exportJWK(pair.privateKey));
  return {
    kid,
    publicJwk: JSON.stringify(publicJwk),
    sealed: await seal(dataKey, "signing-key", kid, secret),
    notBefore,
  };
}

/**
 * Opens a signing key. The public half comes from what is sealed, not from its copy beside it: whoever can only
 * write to the table cannot have a key of his own published.
 *
 * @throws Error for a row that was sealed with another key, or is not one of ours; KeysUnavailable
 */
export async function openSigningKey(row: SigningKeyRow, keyOf: KeyOf): Promise<SigningKey> {
  const { kid } = row;
  const privateJwk = privateEcJwk.parse(JSON.parse(await openRow(row, keyOf)));
  const privateKey = await importJWK(privateJwk, SIGNING_ALGORITHM);
  if (privateKey instanceof Uint8Array) throw new TypeError(`signing key ${kid} is no key pair`);
  const publicJwk = { ...ecJwk.parse(privateJwk), kid, alg: SIGNING_ALGORITHM, use: "sig" };
  return { kid, publicJwk, privateKey };
}

/** @returns The same key, sealed with another data key. */
export async function sealAnew(
  row: SigningKeyRow,
  keyOf: KeyOf,
  dataKey: DataKey,
): Promise<SigningKeyRow> {
  const secret = await openRow(row, keyOf);
  return { ...row, sealed: await seal(dataKey, "signing-key", row.kid, secret) };
}

async function openRow(row: SigningKeyRow, keyOf: KeyOf): Promise<string> {
  try {
    return await open(keyOf, "signing-key", row.kid, row.sealed);
  } catch (error) {
    if (!(error instanceof SealBroken)) throw error;
    throw new Error(`Signing key ${row.kid} cannot be opened (docs/operate.md, Keys).`, {
      cause: error,
    });
  }
}
