import type { TypedData } from "./invoke.ts";

/** What the host knows of a request when it makes the trigger metadata. */
export interface RequestParts {
  readonly headers: Readonly<Record<string, string>>;
  /** As it was sent, without the question mark. */
  readonly query: string;
  readonly routeParameters: Readonly<Record<string, string>>;
  /** A body that came with a length; others are not looked into. */
  readonly body: Uint8Array | undefined;
}

/** The host's key parameter: it is not handed on. */
const KEY_PARAMETER = "code";

/**
 * The trigger metadata of a request, as the HTTP extension of the genuine host makes it: the members of a body that
 * is a JSON object, whatever its media type, over them the parameters of the query, over them those of the route. Only
 * then `Query` and `Headers`, each where its name is still free. Names are compared without regard to case, so any
 * caller can write the headers that the library reads.
 *
 * @see README.md, "The worker's contract": trigger metadata
 */
export function triggerMetadata(request: RequestParts): Record<string, TypedData> {
  const metadata = new Metadata();
  for (const [name, value] of jsonMembers(request.body)) metadata.set(name, value);
  const query = queryParameters(request.query);
  for (const [name, value] of query) {
    if (name.toLowerCase() !== KEY_PARAMETER) metadata.set(name, { string: value });
  }
  for (const [name, value] of Object.entries(request.routeParameters)) {
    metadata.set(name, { string: value });
  }
  metadata.setIfFree("Query", { json: JSON.stringify(Object.fromEntries(query)) });
  metadata.setIfFree("Headers", { json: JSON.stringify(request.headers) });
  return metadata.toRecord();
}

/** A `Dictionary` of .NET with `StringComparer.OrdinalIgnoreCase`: a name stays as it was written first. */
class Metadata {
  readonly #entries = new Map<string, { name: string; value: TypedData }>();

  set(name: string, value: TypedData): void {
    const key = name.toUpperCase();
    this.#entries.set(key, { name: this.#entries.get(key)?.name ?? name, value });
  }

  setIfFree(name: string, value: TypedData): void {
    if (!this.#entries.has(name.toUpperCase())) this.set(name, value);
  }

  toRecord(): Record<string, TypedData> {
    const entries = [...this.#entries.values()];
    return Object.fromEntries(entries.map(({ name, value }) => [name, value]));
  }
}

/** By name without regard to case; of several values the last counts. */
function queryParameters(query: string): [string, string][] {
  const parameters = new Map<string, [string, string]>();
  for (const [name, value] of new URLSearchParams(query)) {
    const key = name.toUpperCase();
    parameters.set(key, [parameters.get(key)?.[0] ?? name, value]);
  }
  return [...parameters.values()];
}

/** Objects stay, lists and null are left out, everything else becomes a string. */
function jsonMembers(body: Uint8Array | undefined): [string, TypedData][] {
  return Object.entries(jsonObject(body)).flatMap(([name, value]): [string, TypedData][] => {
    if (value === null || Array.isArray(value)) return [];
    if (typeof value === "object") return [[name, { json: JSON.stringify(value) }]];
    return [[name, { string: scalar(value) }]];
  });
}

function jsonObject(body: Uint8Array | undefined): object {
  const text = new TextDecoder().decode(body).trim();
  if (!text.startsWith("{") || !text.endsWith("}")) return {};
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** As `(string)JToken` writes it: booleans with a capital, dates anew. */
function scalar(value: unknown): string {
  if (typeof value === "boolean") return value ? "True" : "False";
  const text = String(value);
  const isDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text));
  return isDate ? usDate(new Date(text)) : text;
}

function usDate(date: Date): string {
  const day = [date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCFullYear()];
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  return `${day.map(twoDigits).join("/")} ${time.map(twoDigits).join(":")}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
