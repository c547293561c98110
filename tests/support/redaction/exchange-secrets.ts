import { parseSetCookie } from "cookie";
import type { Secrets } from "./secrets.ts";

/** Parameters, members and form fields whose values are secrets, wherever they stand. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  "access_token",
  "client_assertion",
  "client_secret",
  "code",
  "code_verifier",
  "ctx",
  "form",
  "id_token",
  "nonce",
  "refresh_token",
  "request",
  "state",
]);

/** What only its maker knows so far: everything else that a request carries came with an answer before. */
const BORN_IN_REQUESTS: ReadonlySet<string> = new Set([
  "client_assertion",
  "client_secret",
  "code_verifier",
]);

/** Shorter values are a test's own words, like `x` or `the-state`. */
const MIN_LENGTH = 16;

const MAX_BODY_LENGTH = 64 * 1024;

/** Adds the secrets that a request brings into the world. */
export function addSecretsOfRequest(secrets: Secrets, body: unknown): void {
  if (typeof body !== "string" && !(body instanceof URLSearchParams)) return;
  const text = String(body);
  if (text.length > MAX_BODY_LENGTH) return;
  for (const [name, value] of new URLSearchParams(text)) {
    if (BORN_IN_REQUESTS.has(name)) add(secrets, name, value);
  }
}

/** Adds the secrets that an answer hands out: in its redirect, its cookies, its JSON, its forms. It stays to be read. */
export async function addSecretsOfAnswer(secrets: Secrets, response: Response): Promise<void> {
  const { headers } = response;
  addSecretsOfHeaders(secrets, headers);
  // Never the copy of a stream: it would have to be cancelled like the stream itself.
  const [type] = (headers.get("content-type") ?? "").split(";");
  if (type === "application/json") addMembers(secrets, await response.clone().text());
  if (type === "text/html") addFields(secrets, await response.clone().text());
}

/** Adds the secrets of an answer's redirect and of its cookies. */
export function addSecretsOfHeaders(secrets: Secrets, headers: Headers): void {
  addSecretsOfRedirect(secrets, headers.get("location") ?? "");
  for (const header of headers.getSetCookie()) {
    const { name, value = "" } = parseSetCookie(header);
    // Each sign-in has a cookie of its own name.
    add(secrets, `cookie ${name.replace(/(?<=sign-in)-[\w-]{16}$/, "")}`, value);
  }
}

function addSecretsOfRedirect(secrets: Secrets, location: string): void {
  if (!URL.canParse(location)) return;
  const { searchParams, hash } = new URL(location);
  for (const [name, value] of [...searchParams, ...new URLSearchParams(hash.slice(1))]) {
    if (SECRET_NAMES.has(name)) add(secrets, name, value);
  }
}

function addMembers(secrets: Secrets, json: string): void {
  let body: unknown;
  try {
    body = JSON.parse(json);
  } catch {
    return;
  }
  if (typeof body !== "object" || body === null) return;
  for (const [name, value] of Object.entries(body)) {
    if (SECRET_NAMES.has(name) && typeof value === "string") add(secrets, name, value);
  }
}

function addFields(secrets: Secrets, markup: string): void {
  for (const [input] of markup.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(input)?.[1] ?? "";
    if (SECRET_NAMES.has(name)) add(secrets, name, /value="([^"]*)"/.exec(input)?.[1] ?? "");
  }
}

function add(secrets: Secrets, kind: string, value: string): void {
  if (value.length >= MIN_LENGTH) secrets.add(kind, value);
}
