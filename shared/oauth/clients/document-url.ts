const MAX_LENGTH = 512;

/** Names that mean something inside of one network or one machine only (RFC 6761, RFC 8375, RFC 9476). */
const PRIVATE_NAMES = /(?:^|\.)(?:localhost|local|internal|arpa|onion|alt)$/;

const HOST_NAME = /^(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/;

/**
 * What a stranger may have us fetch: a metadata document or a key set, at the https port of a public name.
 * This is about spelling; the address behind the name is checked when it is fetched.
 *
 * @returns Why `text` cannot be, or undefined where it can (draft-ietf-oauth-client-id-metadata-document §3).
 */
export function documentUrlFault(text: string): string | undefined {
  if (text.length > MAX_LENGTH) return `is longer than ${MAX_LENGTH} characters`;
  if (!URL.canParse(text)) return "is not a URL";
  const url = new URL(text);
  if (url.protocol !== "https:") return "is not an https URL";
  if (text.includes("#")) return "has a fragment";
  if (url.username !== "" || url.password !== "") return "has user information";
  // The host's other ports may be something else's, and probing them is not for us to do.
  if (url.port !== "") return "names a port";
  // An address would be no name to judge on the consent page.
  if (!HOST_NAME.test(url.hostname)) return "does not name a host of the public Internet";
  if (PRIVATE_NAMES.test(url.hostname)) return "does not name a host of the public Internet";
  if (url.pathname === "/") return "has no path";
  // Dot segments, other spellings of a host, a missing slash: ids are compared character by character.
  if (url.href !== text) return "is not in its normal form";
  return undefined;
}
