import { type CookiePolicy, keptOrNew, readCookie, setCookie } from "../http/cookies.ts";
import { equalInConstantTime } from "../digest.ts";
import type { Random } from "../random.ts";

const COOKIE = "csrf";
const COOKIE_TTL_SECONDS = 3_600;

/**
 * The browser's CSRF value: kept where it has one, so that several consent pages can be open at once.
 *
 * @returns The value, and the header that sets it.
 */
export function csrfCookie(
  request: Request,
  random: Random,
  policy: CookiePolicy,
): { value: string; header: string } {
  const value = keptOrNew(request, COOKIE, random, policy);
  return { value, header: setCookie(COOKIE, value, COOKIE_TTL_SECONDS, policy) };
}

/**
 * Whether a form was posted by a page of ours in the person's own browser. The browser's word is taken
 * where it gives it, for no page can forge those headers; that way it also works in webviews that drop the
 * cookie. A browser that says nothing must bring the cookie that the form is bound to. A token alone would
 * not do: an attacker posts the token of his own page through the victim's browser (GHSA-rww4-4w9c-7733).
 */
export function isOwnForm(
  request: Request,
  { origin, boundTo, policy }: { origin: string; boundTo: string; policy: CookiePolicy },
): boolean {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin";
  const from = request.headers.get("origin");
  if (from !== null) return from === origin;
  return equalInConstantTime(readCookie(request, COOKIE, policy) ?? "", boundTo);
}
