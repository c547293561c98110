import { createHmac } from "node:crypto";
import { equalInConstantTime, sha256 } from "../digest.ts";
import type { DataKey } from "../keys/data-keys.ts";
import type { Keyring } from "../keys/keyring.ts";
import { deriveKey } from "../keys/seal.ts";
import { type Random, randomSecret } from "../random.ts";

const VERSION = "r1";

/** What a refresh token says about itself, once its MAC has shown that we made it. */
export interface RefreshToken {
  readonly userKey: string;
  readonly sessionId: string;
  /** Counts the rotations of the session. */
  readonly generation: number;
  /** What is stored in place of the token. */
  readonly hash: string;
}

/**
 * Refresh tokens are opaque to clients. Inside they name their session, so that its row is found by a
 * point read, and end in a MAC, so that only a token that this server issued can ever count as reuse:
 * nobody can end a stranger's session with an invented token.
 */
export class RefreshTokens {
  readonly #keyring: Keyring;
  readonly #random: Random;

  constructor(deps: { keyring: Keyring; random: Random }) {
    this.#keyring = deps.keyring;
    this.#random = deps.random;
  }

  /** @returns The token text. Nothing is stored here. */
  async make(userKey: string, sessionId: string, generation: number): Promise<string> {
    const key = await this.#keyring.dataKey();
    const body = [
      VERSION,
      key.kid,
      userKey,
      sessionId,
      generation.toString(36),
      randomSecret(this.#random),
    ].join(".");
    return `${body}.${mac(key, body)}`;
  }

  /** @returns What the token says, or undefined for text that this server did not issue. */
  async read(token: string): Promise<RefreshToken | undefined> {
    const parts = token.split(".");
    const [version, kid, userKey, sessionId, generation, , code] = parts;
    if (parts.length !== 7 || version !== VERSION) return undefined;
    const key = await this.#keyring.dataKeyOf(kid ?? "");
    const body = parts.slice(0, -1).join(".");
    if (key === undefined || !equalInConstantTime(code ?? "", mac(key, body))) return undefined;
    return {
      userKey: userKey ?? "",
      sessionId: sessionId ?? "",
      generation: Number.parseInt(generation ?? "", 36),
      hash: sha256(token),
    };
  }
}

function mac(key: DataKey, body: string): string {
  return createHmac("sha256", deriveKey(key, "refresh-token")).update(body).digest("base64url");
}
