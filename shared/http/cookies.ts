import { parseCookie, stringifySetCookie } from "cookie";
import { type Random, randomSecret } from "../random.ts";

/** How this installation sets cookies. */
export interface CookiePolicy {
  /** Whether the server is on this machine, over plain http. */
  readonly loopback: boolean;
}

/**
 * The name that a cookie goes by. In public it has the `__Host-` prefix, which browsers accept only with
 * `Secure`, `Path=/` and no domain (RFC 6265bis §4.1.3.2), so that no other host can plant it. Over plain
 * http on this machine some clients refuse `Secure` cookies: there the prefix is `dev-`.
 */
export function cookieName(name: string, { loopback }: CookiePolicy): string {
  return `${loopback ? "dev-" : "__Host-"}${name}`;
}

/** @returns The value of a cookie that the browser sent, or undefined. */
export function readCookie(
  request: Request,
  name: string,
  policy: CookiePolicy,
): string | undefined {
  return parseCookie(request.headers.get("cookie") ?? "")[cookieName(name, policy)];
}

/** @returns The random value that the browser keeps in a cookie, or a new one where it has none of ours. */
export function keptOrNew(
  request: Request,
  name: string,
  random: Random,
  policy: CookiePolicy,
): string {
  const kept = readCookie(request, name, policy);
  return kept !== undefined && /^[A-Za-z0-9_-]{43}$/.test(kept) ? kept : randomSecret(random);
}

/**
 * @param maxAgeSeconds 0 takes the cookie away.
 * @returns A `Set-Cookie` header. `SameSite=Lax`: the way back from Entra is a navigation from another site.
 */
export function setCookie(
  name: string,
  value: string,
  maxAgeSeconds: number,
  policy: CookiePolicy,
): string {
  return stringifySetCookie({
    name: cookieName(name, policy),
    value,
    path: "/",
    httpOnly: true,
    secure: !policy.loopback,
    sameSite: "lax",
    maxAge: maxAgeSeconds,
  });
}
