import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { Cookie, HttpResponseInit } from "@azure/functions";
import { parseSetCookie } from "cookie";

/** @returns What the Functions library takes for an answer. */
export function toFunctionsResponse(response: Response): HttpResponseInit {
  const headers = new Headers(response.headers);
  // Several Set-Cookie headers would arrive as one, the last: the library has a field for cookies.
  const cookies = headers.getSetCookie().map(toFunctionsCookie);
  headers.delete("set-cookie");
  return { status: response.status, headers, cookies, ...body(response) };
}

function body(response: Response): Pick<HttpResponseInit, "body"> {
  if (response.body === null) return {};
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one class, declared by Node and by the DOM
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
