import { Resolver } from "node:dns/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { z } from "zod";
import { aborted } from "../../aborted.ts";
import {
  type DocumentFetch,
  DocumentRefused,
  DocumentUnavailable,
  type FetchedDocument,
} from "./document-fetch.ts";
import { isPublicAddress } from "./public-address.ts";

const TIMEOUT_MS = 5_000;
const DNS_TRY_MS = 2_000;
const MAX_HEADER_BYTES = 16 * 1024;

/** Everything has a value that holds in production; only tests give others. */
export interface PublicDocumentFetchOptions {
  /** @returns Every address of a name; none where there is no such name. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>;
  readonly isAllowed?: (address: string) => boolean;
  /** Trusted instead of the public certificate authorities. */
  readonly ca?: string;
  /** For name, connection and body together. */
  readonly timeoutMs?: number;
}

/**
 * Fetches what a stranger's URL names, so that it cannot be turned against what only this server can reach
 * (server-side request forgery): every address of the name must be public, the connection goes to the very
 * addresses that were checked (a second look-up could answer otherwise: DNS rebinding), and redirects are not
 * followed.
 */
export function publicDocumentFetch({
  resolve = resolveAll,
  isAllowed = isPublicAddress,
  ca,
  timeoutMs = TIMEOUT_MS,
}: PublicDocumentFetchOptions = {}): DocumentFetch {
  return async (url, limitBytes) => {
    const target = new URL(url);
    if (target.protocol !== "https:") throw new DocumentRefused("is not at an https URL");
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const addresses = await Promise.race([addressesOf(target, resolve), aborted(signal)]);
      // One message for no address and a private one: names of a private network are not for guessing.
      if (addresses.length === 0 || !addresses.every(isAllowed)) {
        throw new DocumentRefused("is not on the public Internet, as far as this server can see");
      }
      return await readDocument(await open(target, addresses, { signal, ca }), limitBytes);
    } catch (error) {
      if (error instanceof DocumentRefused || error instanceof DocumentUnavailable) throw error;
      throw new DocumentUnavailable("cannot be reached right now", { cause: error });
    }
  };
}

async function addressesOf(
  { hostname }: URL,
  resolve: (hostname: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const literal = hostname.replace(/^\[|\]$/g, "");
  return isIP(literal) === 0 ? resolve(hostname) : [literal];
}

/**
 * Asks the name servers themselves: the system's look-up would know this machine's own names, and a few slow
 * answers would occupy the threads that the whole process shares.
 */
async function resolveAll(hostname: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: DNS_TRY_MS, tries: 2 });
  const answers = await Promise.allSettled([
    resolver.resolve4(hostname),
    resolver.resolve6(hostname),
  ]);
  const addresses = answers.flatMap((answer) =>
    answer.status === "fulfilled" ? answer.value : [],
  );
  const outage = answers.find((answer) => answer.status === "rejected" && !isAbsent(answer.reason));
  if (addresses.length === 0 && outage !== undefined) {
    throw new Error(`${hostname} cannot be resolved`, { cause: outage });
  }
  return addresses;
}

const absence = z.object({ code: z.enum(["ENOTFOUND", "ENODATA"]) });

function isAbsent(error: unknown): boolean {
  return absence.safeParse(error).success;
}

function open(
  target: URL,
  addresses: readonly string[],
  { signal, ca }: { signal: AbortSignal; ca: string | undefined },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(target, {
      // A connection of its own: one from a pool could lead to an address of another day.
      agent: false,
      lookup: pinnedTo(addresses),
      headers: {
        Accept: "application/json",
        "Accept-Encoding": "identity",
        // Many a site's front end turns away who gives no name.
        "User-Agent": "entra-mcp-functions",
      },
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
      ...(ca !== undefined && { ca }),
    });
    outgoing.on("response", resolve);
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** The connection goes to what was checked; name and certificate stay those of the URL. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const pinned = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    const [first] = pinned;
    if (options.all === true || first === undefined) callback(null, pinned);
    else callback(null, first.address, first.family);
  };
}

async function readDocument(
  response: IncomingMessage,
  limitBytes: number,
): Promise<FetchedDocument> {
  try {
    checkHead(response);
    const bytes = await readBytes(response, limitBytes);
    return { body: parseJson(bytes), headers: headersOf(response) };
  } finally {
    response.destroy();
  }
}

/** draft-ietf-oauth-client-id-metadata-document §4: 200 and JSON; everything else is an error, a redirect too. */
function checkHead({ statusCode = 0, headers }: IncomingMessage): void {
  if (statusCode >= 500 || statusCode === 408 || statusCode === 429) {
    throw new DocumentUnavailable(`answers ${statusCode}`);
  }
  if (statusCode !== 200) throw new DocumentRefused(`answers ${statusCode} where 200 is needed`);
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (!/^application\/(?:[a-z0-9.!#$&^_-]+\+)?json$/.test(type)) {
    throw new DocumentRefused("is not sent as application/json");
  }
  const encoding = headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw new DocumentRefused("is compressed, though not asked to be");
}

async function readBytes(response: AsyncIterable<Buffer>, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.byteLength;
    if (length > limitBytes) {
      throw new DocumentRefused(`is larger than ${limitBytes / 1024} KiB`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new DocumentRefused("is not JSON", { cause });
  }
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value].flat().join(", ")]),
  );
}
