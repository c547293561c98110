import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  base64url,
  calculateJwkThumbprint,
  compactDecrypt,
  CompactEncrypt,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
} from "jose";
import type { JWK, JWTPayload, JWTVerifyOptions } from "jose";
import { z } from "zod";

/** Two RSA keys: one signs what people get, the other what the managed identity gets. */
export type SigningUse = "tokens" | "managedIdentity";

/** What a sealed string is for, so that one kind never passes for another. */
export type SealKind = "sign-in" | "refresh-token";

export interface Keys {
  /** The public keys, as the `keys` of the JWKS document. */
  readonly publicKeys: readonly JWK[];
  /** Signs claims as an RS256 JWT. */
  sign(use: SigningUse, claims: JWTPayload): Promise<string>;
  /** Verifies a JWT signed with that key. @throws jose's errors: bad signature, `JWTExpired`, failed claim. */
  verify(use: SigningUse, token: string, options: JWTVerifyOptions): Promise<JWTPayload>;
  /** Encrypts a value into an opaque string that only this stand-in can open, after a restart too. */
  seal(kind: SealKind, value: unknown): Promise<string>;
  /** Opens what `seal` made of the same kind; undefined for anything else. */
  open(kind: SealKind, sealed: string): Promise<unknown>;
}

const JwkSchema = z.looseObject({ kid: z.string(), kty: z.literal("RSA") });
const SnapshotSchema = z.object({
  tokens: JwkSchema,
  managedIdentity: JwkSchema,
  sealing: z.string().length(43),
});
type Snapshot = z.infer<typeof SnapshotSchema>;

/**
 * Opens the keys kept in a folder, or makes them. Everything long-lived that the stand-in hands out is signed or
 * sealed with them and holds its own state, so this one small file is all that a restart needs.
 *
 * @param dataDir where `entra-keys.json` lives; without it the keys live in memory only
 * @throws where the file exists and cannot be read
 */
export async function openKeys(dataDir: string | undefined): Promise<Keys> {
  const snapshot = (dataDir && (await load(dataDir))) || (await create(dataDir));
  const sealing = base64url.decode(snapshot.sealing);
  const pairs = {
    tokens: await pairOf(snapshot.tokens),
    managedIdentity: await pairOf(snapshot.managedIdentity),
  };
  return {
    publicKeys: [pairs.tokens.publicJwk, pairs.managedIdentity.publicJwk],
    sign: (use, claims) =>
      new SignJWT(claims)
        .setProtectedHeader({ typ: "JWT", alg: "RS256", kid: pairs[use].kid })
        .sign(pairs[use].privateKey),
    verify: async (use, token, options) =>
      (await jwtVerify(token, pairs[use].publicKey, { ...options, algorithms: ["RS256"] })).payload,
    seal: (kind, value) =>
      new CompactEncrypt(new TextEncoder().encode(JSON.stringify(value)))
        .setProtectedHeader({ alg: "dir", enc: "A256GCM", typ: kind })
        .encrypt(sealing),
    open: async (kind, sealed) => {
      try {
        const { plaintext, protectedHeader } = await compactDecrypt(sealed, sealing);
        return protectedHeader.typ === kind
          ? (JSON.parse(new TextDecoder().decode(plaintext)) as unknown)
          : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

const fileIn = (dataDir: string) => join(dataDir, "entra-keys.json");

async function load(dataDir: string): Promise<Snapshot | undefined> {
  let text: string;
  try {
    text = await readFile(fileIn(dataDir), "utf8");
  } catch {
    return undefined;
  }
  try {
    return SnapshotSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${fileIn(dataDir)} is damaged. Delete it to start with new keys.`, { cause });
  }
}

async function create(dataDir: string | undefined): Promise<Snapshot> {
  const [tokens, managedIdentity] = await Promise.all([createJwk(), createJwk()]);
  const snapshot = { tokens, managedIdentity, sealing: base64url.encode(randomBytes(32)) };
  if (dataDir) {
    await mkdir(dataDir, { recursive: true });
    const draft = `${fileIn(dataDir)}.${process.pid}.tmp`;
    await writeFile(draft, JSON.stringify(snapshot), { mode: 0o600 });
    await rename(draft, fileIn(dataDir));
  }
  return snapshot;
}

async function createJwk(): Promise<Snapshot["tokens"]> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kty: "RSA", kid: await calculateJwkThumbprint(jwk) };
}

async function pairOf(jwk: Snapshot["tokens"]) {
  const { kid, kty, n, e } = z
    .object({ kid: z.string(), kty: z.string(), n: z.string(), e: z.string() })
    .parse(jwk);
  return {
    kid,
    publicJwk: { kty, use: "sig", kid, n, e },
    privateKey: await importJWK(jwk as JWK, "RS256"),
    publicKey: await importJWK({ kty, n, e }, "RS256"),
  };
}
