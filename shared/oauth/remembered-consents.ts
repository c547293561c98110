import { z } from "zod";
import type { Clock } from "../clock.ts";
import { type CookiePolicy, readCookie, setCookie } from "../http/cookies.ts";
import type { Sealer } from "../keys/seal.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import { consentTarget, isLoopbackRedirect } from "./redirect-uri.ts";
import { SCOPES } from "./scopes.ts";

const COOKIE = "consents";
/** Not bound to a row: it lives in the browser. */
const BINDING = "consent-cookie";
const DAY_SECONDS = 86_400;
const TTL_SECONDS = 30 * DAY_SECONDS;
/** A cookie has 4 KiB at most (RFC 6265 §6.1); sealing makes a third more of it. A client id may be a long URL. */
const MAX_TEXT_LENGTH = 2_800;

const consents = z.array(
  z.object({
    clientId: z.string(),
    target: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    expiresAt: z.number(),
  }),
);
type Consent = z.infer<typeof consents>[number];

/**
 * The consents that a person chose to have remembered, in a sealed cookie of their browser. Each is for one
 * client, one host to return to and one set of scopes; anything else asks again.
 */
export class RememberedConsents {
  readonly #sealer: Sealer;
  readonly #clock: Clock;
  readonly #policy: CookiePolicy;

  constructor(deps: { sealer: Sealer; clock: Clock; cookies: CookiePolicy }) {
    this.#sealer = deps.sealer;
    this.#clock = deps.clock;
    this.#policy = deps.cookies;
  }

  /**
   * Whether the page may be left out. Only for a request that no other site has caused: the person typed it,
   * an app opened the browser, or it came from here. Browsers that do not say so are asked again.
   */
  async covers(request: Request, authorization: AuthorizationRequest): Promise<boolean> {
    const site = request.headers.get("sec-fetch-site");
    if (site !== "none" && site !== "same-origin") return false;
    if (!mayRemember(authorization)) return false;
    return (await this.#read(request)).some(
      (consent) =>
        isFor(consent, authorization) &&
        authorization.scopes.every((scope) => consent.scopes.includes(scope)),
    );
  }

  /** @returns The `Set-Cookie` header that adds a consent to those that the browser has. */
  async remember(request: Request, authorization: AuthorizationRequest): Promise<string> {
    const others = (await this.#read(request)).filter((known) => !isFor(known, authorization));
    const consent: Consent = {
      clientId: authorization.clientId,
      target: consentTarget(authorization.redirectUri),
      scopes: authorization.scopes,
      expiresAt: this.#clock.now() + TTL_SECONDS * 1000,
    };
    const kept = [consent, ...others];
    while (kept.length > 1 && JSON.stringify(kept).length > MAX_TEXT_LENGTH) kept.pop();
    const sealed = await this.#sealer.seal("consent-cookie", BINDING, JSON.stringify(kept));
    return setCookie(COOKIE, sealed, TTL_SECONDS, this.#policy);
  }

  async #read(request: Request): Promise<Consent[]> {
    const sealed = readCookie(request, COOKIE, this.#policy);
    if (sealed === undefined) return [];
    const known = await this.#sealer.openJson("consent-cookie", BINDING, sealed, consents);
    const now = this.#clock.now();
    return (known ?? []).filter(({ expiresAt }) => now < expiresAt);
  }
}

/**
 * Whether a consent may be remembered at all. Everybody knows the id of a client that publishes a document, so
 * where it returns to this machine any local program could use the consent without a word (RFC 8252 §8.6).
 */
export function mayRemember({ clientId, redirectUri }: AuthorizationRequest): boolean {
  return !(clientId.startsWith("https:") && isLoopbackRedirect(redirectUri));
}

function isFor(consent: Consent, { clientId, redirectUri }: AuthorizationRequest): boolean {
  return consent.clientId === clientId && consent.target === consentTarget(redirectUri);
}
