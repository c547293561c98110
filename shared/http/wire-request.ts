import type { IncomingMessage } from "node:http";

/** What the host writes over, or the worker's own server needs. The caller's Host is in `x-forwarded-host`. */
const THE_HOSTS_OWN: ReadonlySet<string> = new Set([
  "host",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-prefix",
  "x-forwarded-proto",
  "x-ms-invocation-id",
]);

/**
 * The request as the caller sent it, made of the message that the worker received and of nothing else. Trigger
 * metadata, and with it `headers` and `params` of the library's request, can be written by any caller.
 *
 * @param baseUrl The public origin: of the target only path and query are taken.
 * @throws TypeError for a target that is not a path
 */
export function wireRequest(message: IncomingMessage, baseUrl: string): Request {
  const { method = "GET", url = "/" } = message;
  if (!url.startsWith("/")) throw new TypeError("the request target is not a path");
  const init = {
    method,
    headers: wireHeaders(message),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node takes any async iterable of bytes
    body: hasBody(method) ? (message as unknown as ReadableStream) : null,
    duplex: "half",
  };
  return new Request(`${baseUrl}${url}`, init);
}

function wireHeaders({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    // RFC 9110 §5.3 and, for cookies, RFC 9113 §8.2.3: how several lines become one.
    if (!THE_HOSTS_OWN.has(name)) headers.set(name, values.join(name === "cookie" ? "; " : ", "));
  }
  const host = headersDistinct["x-forwarded-host"]?.at(-1);
  if (host !== undefined) headers.set("host", host);
  return headers;
}

function hasBody(method: string): boolean {
  return method !== "GET" && method !== "HEAD";
}
