import { sha256 } from "../digest.ts";
import type { Random } from "../random.ts";
import { type CookiePolicy, keptOrNew, readCookie, setCookie } from "./cookies.ts";

const COOKIE = "device";

/**
 * Recognises a browser by a random cookie, so that the account page can tell which sessions were begun in
 * this very browser. It opens nothing: it is only ever compared with the hash on a session of the person's.
 *
 * @param maxAgeSeconds As long as a session that is begun now can live.
 * @returns What to store on the session, and the header that sets the cookie, or sets it for longer.
 */
export function deviceCookie(
  request: Request,
  random: Random,
  maxAgeSeconds: number,
  policy: CookiePolicy,
): { id: string; header: string } {
  const value = keptOrNew(request, COOKIE, random, policy);
  return { id: sha256(value), header: setCookie(COOKIE, value, maxAgeSeconds, policy) };
}

/** @returns What a session that was begun in this browser has stored, or undefined for a new browser. */
export function deviceOf(request: Request, policy: CookiePolicy): string | undefined {
  const value = readCookie(request, COOKIE, policy);
  return value === undefined ? undefined : sha256(value);
}
