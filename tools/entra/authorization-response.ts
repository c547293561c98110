import { randomUUID } from "node:crypto";
import type { AadError } from "./aad-error.ts";
import { errorBody } from "./aad-error.ts";
import type { ReplyTo } from "./authorization-request.ts";
import { formPostPage } from "./form-post-page.ts";
import type { Call, StandIn } from "./stand-in.ts";

/**
 * Sends the answer of the authorization endpoint to the client (OAuth 2.0 Form Post Response Mode for
 * `form_post`, otherwise a redirect). As in Entra, a `session_state` comes with every success.
 */
export function sendResponse(replyTo: ReplyTo, values: Record<string, string>): Response {
  return send(replyTo, { ...values, session_state: randomUUID() });
}

/** Sends an error to the client. @param replyTo a client and redirect URI that have been checked */
export function sendError(
  standIn: StandIn,
  call: Call,
  replyTo: ReplyTo,
  error: AadError,
): Response {
  const body = errorBody(error, standIn.base, standIn.now(), call.correlationId);
  return send(replyTo, {
    error: body.error,
    error_description: body.error_description,
    error_uri: body.error_uri,
    ...(error.code === 65004 && { error_subcode: "cancel" }),
  });
}

function send(replyTo: ReplyTo, given: Record<string, string>): Response {
  const values = { ...given, ...(replyTo.state !== undefined && { state: replyTo.state }) };
  if (replyTo.responseMode === "form_post") {
    return formPostPage(replyTo.redirectUri, values);
  }
  const location = new URL(replyTo.redirectUri);
  const text = new URLSearchParams(values).toString();
  if (replyTo.responseMode === "fragment") {
    location.hash = text;
  } else {
    location.search = text;
  }
  return new Response(null, {
    status: 302,
    headers: { location: location.href, "cache-control": "no-store" },
  });
}
