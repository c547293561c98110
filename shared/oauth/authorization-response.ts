import { donePage } from "../http/pages/done-page.ts";
import { requestFaultPage } from "../http/pages/request-fault-page.ts";
import { AuthorizationError } from "./authorization-error.ts";
import type { ReturnAddress } from "./authorization-request.ts";
import type { Client } from "./clients/client.ts";
import { isSiteRedirect, redirectHost } from "./redirect-uri.ts";

/**
 * The way back to the client with an answer (RFC 6749 §4.1.2), always with `iss` (RFC 9207).
 *
 * @param parameters `code`, or `error` and `error_description`.
 */
function answerUrl(
  { redirectUri, state }: ReturnAddress,
  issuer: string,
  parameters: Readonly<Record<string, string>>,
): string {
  const query = new URLSearchParams(parameters);
  if (state !== undefined) query.set("state", state);
  query.set("iss", issuer);
  // The URI is kept to the letter, with its own query (RFC 6749 §3.1.2): parsing it could rewrite it.
  return `${redirectUri}${redirectUri.includes("?") ? "&" : "?"}${query}`;
}

/** Sends the browser back to the client with an answer. See {@link answerUrl}. */
export function redirectToClient(
  returnAddress: ReturnAddress,
  issuer: string,
  parameters: Readonly<Record<string, string>>,
): Response {
  // Where the way back is an app's own scheme, some browsers stay on this page.
  const page = donePage({ title: "Back to your app", message: "Your app takes over from here." });
  const headers = new Headers(page.headers);
  headers.set("Location", answerUrl(returnAddress, issuer, parameters));
  return new Response(page.body, { status: 302, headers });
}

/**
 * Runs what may fail with an error for the client, and sends that one back to it. Only where the person has
 * been told where it leads; a fault before that goes to {@link answerRequestFault}.
 */
export async function answeringClient(
  returnAddress: ReturnAddress,
  issuer: string,
  work: () => Promise<Response>,
): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AuthorizationError)) throw error;
    return redirectToClient(returnAddress, issuer, parametersOf(error));
  }
}

/**
 * Answers a fault of an authorization request, before the person has been asked anything. Anybody can register a
 * site as a client and send people to it with a deliberate fault: to a site that nobody stands for, the browser goes
 * on only when the person says so (RFC 9700 §4.11.2, docs/adr/0013).
 */
export function answerRequestFault(
  error: AuthorizationError,
  client: Client,
  returnAddress: ReturnAddress,
  issuer: string,
): Response {
  const { redirectUri } = returnAddress;
  if (client.trusted === true || !isSiteRedirect(redirectUri)) {
    return redirectToClient(returnAddress, issuer, parametersOf(error));
  }
  return requestFaultPage({
    fault: error.message,
    clientName: client.name,
    redirectHost: redirectHost(redirectUri),
    wayBack: answerUrl(returnAddress, issuer, parametersOf(error)),
  });
}

function parametersOf({ code, message }: AuthorizationError): Readonly<Record<string, string>> {
  return { error: code, error_description: message };
}
