import { randomBytes } from "node:crypto";
import type { Grant } from "./grant.ts";

const CODE_TTL_SECONDS = 10 * 60;

/** What an authorization code stands for until it is redeemed. */
export interface IssuedCode {
  readonly grant: Grant;
  readonly redirectUri: string;
  readonly codeChallenge: string | undefined;
  readonly nonce: string | undefined;
  readonly clientInfo: boolean;
  readonly expiresAt: number;
  redeemed: boolean;
}

/** The authorization codes in flight. They live in memory: ten minutes are not worth a restart. */
export interface Codes {
  /** Makes a code. @param now milliseconds */
  issue(details: Omit<IssuedCode, "expiresAt" | "redeemed">, now: number): string;
  /** Finds a code, redeemed and expired ones too (each has an error of its own). */
  find(code: string): IssuedCode | undefined;
}

/** Makes an empty store of codes. */
export function createCodes(): Codes {
  const codes = new Map<string, IssuedCode>();
  return {
    issue(details, now) {
      // Kept for twice their life, so that a late or second redemption is told apart from an unknown code.
      for (const [code, { expiresAt }] of codes) {
        if (expiresAt + CODE_TTL_SECONDS * 1000 < now) {
          codes.delete(code);
        }
      }
      const code = `1.${randomBytes(96).toString("base64url")}`;
      codes.set(code, { ...details, expiresAt: now + CODE_TTL_SECONDS * 1000, redeemed: false });
      return code;
    },
    find: (code) => codes.get(code),
  };
}
