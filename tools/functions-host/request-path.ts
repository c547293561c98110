const PERCENT_RUN = /(?:%[0-9a-f]{2})+/gi;
const VALID_PATH_CHARACTER = /[A-Za-z0-9\-._~!$&'()*+,;=:@/]/;

/**
 * Decodes a request path as Kestrel does before anything is routed: UTF-8 escapes become characters, `%2F` stays as
 * it was sent, an escape that is not UTF-8 stays, and dot segments are removed.
 *
 * @returns the decoded path, or `undefined` where Kestrel answers 400 (an escaped null character)
 */
export function decodePath(rawPath: string): string | undefined {
  if (/%00/.test(rawPath)) return undefined;
  return removeDotSegments(rawPath.replace(PERCENT_RUN, decodeRun));
}

/**
 * Encodes a decoded path as YARP does when it builds the address of the worker. A percent sign is escaped again, so
 * what the caller sent as `%2F` reaches `request.url` as `%252F`.
 */
export function encodePath(path: string): string {
  let encoded = "";
  for (const character of path) {
    encoded += VALID_PATH_CHARACTER.test(character) ? character : percentEncode(character);
  }
  return encoded;
}

function percentEncode(character: string): string {
  const bytes = Buffer.from(character, "utf8");
  return [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
}

function decodeRun(run: string): string {
  const bytes = Buffer.from(run.replaceAll("%", ""), "hex");
  let decoded = "";
  for (let index = 0; index < bytes.length;) {
    const length = sequenceLength(bytes[index] ?? 0);
    const character = decodeSequence(bytes.subarray(index, index + length));
    if (character === undefined || character === "/") {
      decoded += run.slice(index * 3, index * 3 + 3);
      index += 1;
    } else {
      decoded += character;
      index += length;
    }
  }
  return decoded;
}

function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

function decodeSequence(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function removeDotSegments(path: string): string {
  const segments = path.split("/");
  if (!segments.some((segment) => segment === "." || segment === "..")) return path;
  const kept: string[] = [];
  for (const segment of segments.slice(1)) {
    if (segment === "..") kept.pop();
    else if (segment !== ".") kept.push(segment);
  }
  const endsInDots = /\/\.{1,2}$/.test(path);
  return `/${kept.join("/")}${endsInDots && kept.length > 0 ? "/" : ""}`;
}
