import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Sealer } from "../keys/seal.ts";
import { csrfCookie, isOwnForm } from "../oauth/csrf.ts";
import type { Random } from "../random.ts";
import type { AccountSession } from "../sessions/account-session.ts";
import type { CookiePolicy } from "./cookies.ts";

const FORM_TTL_MS = 3_600_000;

/** Not bound to a row: it lives in the form. */
const BINDING = "account-form";

const formToken = z.object({
  /** The value of the browser's CSRF cookie. */
  csrf: z.string(),
  /** The sign-in that the page was rendered for; absent on the page of a person who is not signed in. */
  account: z.string().optional(),
  expiresAt: z.number(),
});

/** "stale": rendered too long ago, or for another sign-in. "foreign": not posted by a page of ours. */
export type FormCheck = "own" | "stale" | "foreign";

/** Protects the forms of the account page against other sites, as consent is. See `isOwnForm`. */
export class AccountForms {
  readonly #sealer: Sealer;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #policy: CookiePolicy;
  readonly #origin: string;

  constructor(deps: {
    sealer: Sealer;
    clock: Clock;
    random: Random;
    cookies: CookiePolicy;
    issuer: string;
  }) {
    this.#sealer = deps.sealer;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#policy = deps.cookies;
    this.#origin = deps.issuer;
  }

  /** @returns The value of the forms' hidden field, and the CSRF cookie that goes with it. */
  async render(
    request: Request,
    account: AccountSession | undefined,
  ): Promise<{ token: string; cookie: string }> {
    const csrf = csrfCookie(request, this.#random, this.#policy);
    const expiresAt = this.#clock.now() + FORM_TTL_MS;
    const text = JSON.stringify({ csrf: csrf.value, account: account?.id, expiresAt });
    return {
      token: await this.#sealer.seal("account-form", BINDING, text),
      cookie: csrf.header,
    };
  }

  /** @param token What the form brought back. */
  async check(
    request: Request,
    token: string,
    account: AccountSession | undefined,
  ): Promise<FormCheck> {
    const opened = await this.#open(token);
    if (opened === undefined) return "foreign";
    const origin = this.#origin;
    if (!isOwnForm(request, { origin, boundTo: opened.csrf, policy: this.#policy })) {
      return "foreign";
    }
    return this.#clock.now() < opened.expiresAt && opened.account === account?.id ? "own" : "stale";
  }

  #open(token: string): Promise<z.infer<typeof formToken> | undefined> {
    return this.#sealer.openJson("account-form", BINDING, token, formToken);
  }
}
