import { HttpError, NotJson } from "./errors.ts";

/** What an OAuth endpoint accepts. */
export const OAUTH_BODY_LIMIT_BYTES = 64 * 1024;
/** What an MCP endpoint accepts. */
export const MCP_BODY_LIMIT_BYTES = 4 * 1024 * 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a body of the expected media type, and no more of it than allowed.
 *
 * @param mediaType Lower case, without parameters.
 * @throws HttpError 413 when it is larger than `limitBytes`, 415 for another media type, 400 for bytes
 *   that are not UTF-8 or an upload that broke off.
 */
export async function readText(
  request: Request,
  mediaType: string,
  limitBytes: number,
): Promise<string> {
  const given = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (given !== mediaType) throw new HttpError(415, `Send the body as ${mediaType}.`);
  const bytes = await readBytes(request, limitBytes);
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new HttpError(400, "The body is not UTF-8.", { cause });
  }
}

/**
 * Reads a form in which no parameter comes twice (RFC 6749 §3.2).
 *
 * @returns The parameters that have a value.
 * @throws HttpError as {@link readText}, and 400 for a repeated parameter.
 */
export async function readForm(request: Request): Promise<URLSearchParams> {
  const text = await readText(request, "application/x-www-form-urlencoded", OAUTH_BODY_LIMIT_BYTES);
  const form = givenParameters(new URLSearchParams(text));
  const repeated = repeatedParameter(form);
  if (repeated !== undefined) throw new HttpError(400, "A parameter is there more than once.");
  return form;
}

/** RFC 6749 §3.1 and §3.2: a parameter without a value counts as one that is not there. */
export function givenParameters(parameters: URLSearchParams): URLSearchParams {
  return new URLSearchParams([...parameters].filter(([, value]) => value !== ""));
}

/**
 * @param except Parameters that may come several times: `resource` (RFC 8707 §2).
 * @returns The name of a parameter that comes more than once.
 */
export function repeatedParameter(
  parameters: URLSearchParams,
  except: readonly string[] = ["resource"],
): string | undefined {
  const seen = new Set<string>();
  for (const name of parameters.keys()) {
    if (seen.has(name) && !except.includes(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** @throws HttpError as {@link readText}; NotJson */
export async function readJson(request: Request, limitBytes: number): Promise<unknown> {
  const text = await readText(request, "application/json", limitBytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new NotJson({ cause });
  }
}

async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > limitBytes) throw tooLarge(limitBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  try {
    // Read one after the other: iterating over the stream costs three times as much, on every call.
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) {
      length += read.value.byteLength;
      if (length > limitBytes) break;
      chunks.push(read.value);
    }
  } catch (cause) {
    throw new HttpError(400, "The body broke off.", { cause });
  }
  if (length > limitBytes) {
    // What is left of it is not waited for.
    reader?.cancel().catch(() => undefined);
    throw tooLarge(limitBytes);
  }
  const [only, ...more] = chunks;
  return only !== undefined && more.length === 0 ? only : Buffer.concat(chunks);
}

function tooLarge(limitBytes: number): HttpError {
  return new HttpError(413, `The body may have ${limitBytes / 1024} KiB at most.`);
}
