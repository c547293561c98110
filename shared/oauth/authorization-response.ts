import { donePage } from "../http/pages/done-page.ts";
import { AuthorizationError } from "./authorization-error.ts";
import type { ReturnAddress } from "./authorization-request.ts";

/**
 * Sends the browser back to the client (RFC 6749 §4.1.2), always with `iss` (RFC 9207).
 *
 * @param parameters `code`, or `error` and `error_description`.
 */
export function redirectToClient(
  { redirectUri, state }: ReturnAddress,
  issuer: string,
  parameters: Readonly<Record<string, string>>,
): Response {
  const query = new URLSearchParams(parameters);
  if (state !== undefined) query.set("state", state);
  query.set("iss", issuer);
  // The URI is kept to the letter, with its own query (RFC 6749 §3.1.2): parsing it could rewrite it.
  const location = `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${query}`;
  // Where the way back is an app's own scheme, some browsers stay on this page.
  const page = donePage({ title: "Back to your app", message: "Your app takes over from here." });
  const headers = new Headers(page.headers);
  headers.set("Location", location);
  return new Response(page.body, { status: 302, headers });
}

/** Runs what may fail with an error for the client, and sends that one back to it. */
export async function answeringClient(
  returnAddress: ReturnAddress,
  issuer: string,
  work: () => Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error;
    return redirectToClient(returnAddress, issuer, {
      error: error.code,
      error_description: error.message,
    });
  }
}
