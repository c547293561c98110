import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type {
  Cookie,
  HttpHandler,
  HttpMethod,
  HttpRequest,
  HttpResponseInit,
} from "@azure/functions";
import { parseSetCookie } from "cookie";
import { type App, getApp } from "../app.ts";
import { jsonLog } from "../log.ts";
import { clientConnection } from "./invocation-responses.ts";

/** A method that a trigger does not list is a bare 404 of the host's: every endpoint answers for itself. */
export const everyMethod: HttpMethod[] = [
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
];

/**
 * Puts one of the app's handlers behind a Functions HTTP trigger.
 *
 * @param name The handler. It is looked up when a request comes, so that loading the functions stays cheap.
 */
export function functionsHandler(name: keyof App["handlers"]): HttpHandler {
  return async (request, invocation) => {
    const { config, handlers } = await getApp();
    const requestId = invocation.invocationId;
    const response = await handlers[name](toWebRequest(request, config.baseUrl), {
      requestId,
      log: jsonLog((level, line) => invocation[level](line), { requestId }),
      ...clientConnection(requestId),
    });
    return toFunctionsResponse(response);
  };
}

function toWebRequest(request: HttpRequest, baseUrl: string): Request {
  // The host builds `request.url` from forwarded headers, which anyone may send: only its path and
  // query are taken.
  const { pathname, search } = new URL(request.url);
  const init = {
    method: request.method,
    headers: request.headers,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one class, declared by Node and by the DOM
    body: request.body as unknown as ReadableStream | null,
    duplex: "half",
  };
  return new Request(`${baseUrl}${pathname}${search}`, init);
}

function toFunctionsResponse(response: Response): HttpResponseInit {
  const headers = new Headers(response.headers);
  // Several Set-Cookie headers would arrive as one, the last: the library has a field for cookies.
  const cookies = headers.getSetCookie().map(toFunctionsCookie);
  headers.delete("set-cookie");
  return { status: response.status, headers, cookies, ...body(response) };
}

function body(response: Response): Pick<HttpResponseInit, "body"> {
  if (response.body === null) return {};
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above, the other way round
  return { body: response.body as NodeReadableStream };
}

function toFunctionsCookie(header: string): Cookie {
  const { name, value, path, maxAge, httpOnly, secure, sameSite } = parseSetCookie(header);
  return {
    name,
    value: value ?? "",
    ...(path !== undefined && { path }),
    ...(maxAge !== undefined && { maxAge }),
    ...(httpOnly !== undefined && { httpOnly }),
    ...(secure !== undefined && { secure }),
    ...(sameSite === "lax" && { sameSite: "Lax" }),
    ...(sameSite === "strict" && { sameSite: "Strict" }),
  };
}
