import type { AadError } from "./aad-error.ts";
import { errorBody } from "./aad-error.ts";
import { markup, page } from "./page.ts";
import type { Call, StandIn } from "./stand-in.ts";

/** Entra's "we couldn't sign you in" page: for errors that must not be sent to a redirect URI. */
export function errorPage(standIn: StandIn, call: Call, error: AadError): Response {
  const body = errorBody(error, standIn.base, standIn.now(), call.correlationId);
  return page(
    "Sign-in failed",
    markup`<h1>Sorry, but we’re having trouble signing you in</h1>
<p role="alert">${error.message}</p>
<p class="soft"><small>Correlation ID: ${body.correlation_id}<br>Timestamp: ${body.timestamp}</small></p>`,
    { status: error.entry.status === 503 ? 503 : 400 },
  );
}
