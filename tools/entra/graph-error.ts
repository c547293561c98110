import { randomUUID } from "node:crypto";
import type { Call, StandIn } from "./stand-in.ts";

/** Why a request cannot be answered, as Graph words it. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
}

/**
 * Graph's error answer: `{ error: { code, message, innerError } }` with the request's ids.
 *
 * @param status the HTTP status
 * @param code Graph's error code; clients branch on it
 * @param message for people
 * @param headers more headers, such as `www-authenticate`
 */
export function graphError(
  standIn: Pick<StandIn, "now">,
  call: Pick<Call, "correlationId">,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const requestId = randomUUID();
  const innerError = {
    date: standIn.now().toISOString().slice(0, 19),
    "request-id": requestId,
    "client-request-id": call.correlationId,
  };
  return Response.json(
    { error: { code, message, innerError } },
    {
      status,
      headers: {
        "request-id": requestId,
        "client-request-id": call.correlationId,
        "cache-control": "private",
        ...headers,
      },
    },
  );
}
