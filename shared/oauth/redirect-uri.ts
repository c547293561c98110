const MAX_LENGTH = 2_048;

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Schemes that a browser itself acts on, so that a redirect to them is an attack, not a way back. */
const FORBIDDEN_SCHEMES: ReadonlySet<string> = new Set(
  (
    "javascript data vbscript file blob filesystem about view-source jar resource chrome edge intent " +
    "ws wss ftp sftp ssh telnet smb ldap mailto tel sms"
  )
    .split(" ")
    .map((scheme) => `${scheme}:`),
);

/**
 * What a client may register (OAuth 2.1 §2.3, RFC 8252 §7): https anywhere, http on this machine, or a
 * native app's own scheme. No fragment and no user info.
 *
 * @returns Why `uri` cannot be used, or undefined where it can.
 */
export function redirectUriFault(uri: string): string | undefined {
  if (uri.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  if (!URL.canParse(uri)) return "is not an absolute URI";
  // `https:host` is another host to a parser, and a path of ours to a browser that comes from a page of ours
  // (WHATWG URL §4.4, special relative or authority state).
  if (/^https?:(?!\/\/[^/])/i.test(uri)) return "must have two slashes before its host";
  // An empty name before the @ leaves no trace in a parsed URL.
  if (/^[^/?#]*\/\/[^/?#]*@/.test(uri)) return "has user information";
  const url = new URL(uri);
  if (uri.includes("#")) return "has a fragment";
  if (url.username !== "" || url.password !== "") return "has user information";
  // Whitespace, backslashes and control characters mean one thing to a parser and another to a browser. A
  // URI is ASCII (RFC 3986 §2): anything else cannot stand in the Location header that leads back.
  if (!/^[\u0021-\u005b\u005d-\u007e]+$/.test(uri)) return "has characters that must be encoded";
  if (FORBIDDEN_SCHEMES.has(url.protocol)) return `has a scheme that is not allowed`;
  if (url.protocol === "http:" && !LOOPBACK_HOSTS.has(url.hostname)) {
    return "uses http; that is for this machine only (localhost, 127.0.0.1, [::1])";
  }
  return undefined;
}

/**
 * Compares a requested redirect URI with a registered one: character by character, but for the port of a
 * loopback URI, which a native app is given by its system at the moment of the request (RFC 8252 §7.3).
 */
export function redirectUriMatches(requested: string, registered: string): boolean {
  if (requested === registered) return true;
  if (redirectUriFault(requested) !== undefined || !isLoopbackRedirect(registered)) return false;
  const port = /^(http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]))(?::\d{1,5})?(?=[/?]|$)/;
  return requested.replace(port, "$1") === registered.replace(port, "$1");
}

/** Whether the way back leads to this machine over http, where any local program could listen. */
export function isLoopbackRedirect(uri: string): boolean {
  return URL.canParse(uri) && new URL(uri).protocol === "http:" && hasLoopbackHost(uri);
}

/** Whether the way back leads to a site, and not to a program of the person's own machine. */
export function isSiteRedirect(uri: string): boolean {
  return URL.canParse(uri) && new URL(uri).protocol === "https:";
}

/** @returns Host and port, or the scheme where the host says nothing (`cursor://…`, `com.example:/…`). */
export function redirectHost(uri: string): string {
  const url = new URL(uri);
  return url.protocol === "https:" || url.protocol === "http:" ? url.host : `${url.protocol}//`;
}

/**
 * What a consent is given for: the host, whatever the port where the port says nothing (RFC 8252 §7.3), or
 * the scheme.
 */
export function consentTarget(uri: string): string {
  return isLoopbackRedirect(uri) ? new URL(uri).hostname : redirectHost(uri);
}

function hasLoopbackHost(uri: string): boolean {
  return LOOPBACK_HOSTS.has(new URL(uri).hostname);
}
