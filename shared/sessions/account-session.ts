import { z } from "zod";
import type { Clock } from "../clock.ts";
import { type CookiePolicy, readCookie, setCookie } from "../http/cookies.ts";
import type { Sealer } from "../keys/seal.ts";
import { type Random, randomId } from "../random.ts";

const COOKIE = "account";
/** Does not slide: who comes back later signs in again, which at Entra is one click. */
const TTL_SECONDS = 1_200;

/** Not bound to a row: it lives in the cookie. */
const BINDING = "account-cookie";

const accountSession = z.object({ id: z.string(), userKey: z.string(), expiresAt: z.number() });

/** A person who is signed in to the account page, in one browser. */
export type AccountSession = z.infer<typeof accountSession>;

/**
 * Sign-ins to the account page. They are no sessions of clients: no token, no Entra token and no row
 * belong to one, only a sealed cookie. So a copy of the cookie stays good after the person has signed out,
 * until it expires.
 */
export class AccountSessions {
  readonly #sealer: Sealer;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #policy: CookiePolicy;

  constructor(deps: { sealer: Sealer; clock: Clock; random: Random; cookies: CookiePolicy }) {
    this.#sealer = deps.sealer;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#policy = deps.cookies;
  }

  /** @returns The `Set-Cookie` header for the browser of a person who has just signed in. */
  async open(userKey: string): Promise<string> {
    const expiresAt = this.#clock.now() + TTL_SECONDS * 1000;
    const session: AccountSession = { id: randomId(this.#random), userKey, expiresAt };
    const sealed = await this.#sealer.seal("account-session", BINDING, JSON.stringify(session));
    return setCookie(COOKIE, sealed, TTL_SECONDS, this.#policy);
  }

  /** @returns Who is signed in, or undefined where the cookie is missing, not ours or too old. */
  async read(request: Request): Promise<AccountSession | undefined> {
    const sealed = readCookie(request, COOKIE, this.#policy);
    if (sealed === undefined) return undefined;
    const session = await this.#sealer.openJson("account-session", BINDING, sealed, accountSession);
    return session !== undefined && this.#clock.now() < session.expiresAt ? session : undefined;
  }

  /** @returns The `Set-Cookie` header that takes the cookie away. */
  close(): string {
    return setCookie(COOKIE, "", 0, this.#policy);
  }
}
