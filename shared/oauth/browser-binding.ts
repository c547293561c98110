import { createHmac } from "node:crypto";
import { equalInConstantTime, sha256 } from "../digest.ts";
import { type CookiePolicy, readCookie, setCookie } from "../http/cookies.ts";
import type { DataKey } from "../keys/data-keys.ts";
import type { Keyring } from "../keys/keyring.ts";
import { deriveKey } from "../keys/seal.ts";
import { TRANSACTION_TTL_SECONDS } from "./transactions.ts";

/**
 * Ties a transaction to the browser in which it was approved, by a signed cookie that is set right before
 * the redirect to Entra. Without it, an attacker could approve his own client and have somebody else finish
 * the sign-in (session fixation). Each transaction has a cookie of its own: parallel tabs do not collide.
 */
export class BrowserBinding {
  readonly #keyring: Keyring;
  readonly #policy: CookiePolicy;

  constructor(deps: { keyring: Keyring; cookies: CookiePolicy }) {
    this.#keyring = deps.keyring;
    this.#policy = deps.cookies;
  }

  /** @returns The `Set-Cookie` header for the browser that approved. */
  async bind(state: string): Promise<string> {
    const key = await this.#keyring.dataKey();
    const value = `${key.kid}.${signature(key, state)}`;
    return setCookie(cookieOf(state), value, TRANSACTION_TTL_SECONDS, this.#policy);
  }

  /** Whether the request comes from the browser that approved. */
  async isBound(request: Request, state: string): Promise<boolean> {
    const [kid = "", given = ""] =
      readCookie(request, cookieOf(state), this.#policy)?.split(".") ?? [];
    const key = await this.#keyring.dataKeyOf(kid);
    return key !== undefined && equalInConstantTime(given, signature(key, state));
  }

  /** @returns The `Set-Cookie` header that takes the cookie away. */
  release(state: string): string {
    return setCookie(cookieOf(state), "", 0, this.#policy);
  }
}

function cookieOf(state: string): string {
  return `sign-in-${sha256(state).slice(0, 16)}`;
}

function signature(key: DataKey, state: string): string {
  return createHmac("sha256", deriveKey(key, "transaction-cookie"))
    .update(state)
    .digest("base64url");
}
