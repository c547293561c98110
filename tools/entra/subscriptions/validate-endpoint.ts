import { randomUUID } from "node:crypto";
import type { Wait } from "../wait.ts";
import { callEndpoint } from "./call-endpoint.ts";

const VALIDATION_TIMEOUT_MS = 10_000;
const FAILED = "Subscription validation request failed.";

/**
 * Asks an endpoint to prove that it expects notifications: it has to answer `200`, `text/plain`, with the token from
 * the query and nothing else. A query that the URL has is kept.
 *
 * @returns what is wrong, as Graph words it; undefined where the endpoint has proved itself
 */
export async function validateEndpoint(wait: Wait, url: string): Promise<string | undefined> {
  // As from Graph, it has to be decoded: blanks are sent as "+", the colons as %3A.
  const token = `Validation: Testing client application reachability for subscription Request-Id: ${randomUUID()}`;
  const target = new URL(url);
  const query = new URLSearchParams({ validationToken: token });
  target.search = target.search ? `${target.search}&${query}` : `?${query}`;
  const answer = await callEndpoint(
    wait,
    target,
    { contentType: "text/plain; charset=utf-8", body: "" },
    { timeoutMs: VALIDATION_TIMEOUT_MS },
  );
  if (answer === "timeout") {
    return "Subscription validation request timed out.";
  }
  if (answer === "unreachable") {
    return `${FAILED} The notification endpoint cannot be reached.`;
  }
  if (answer.status !== 200) {
    return `${FAILED} HTTP status code is '${answer.status}'. Notification endpoint must respond with 200 OK to validation request.`;
  }
  if (answer.contentType.split(";")[0]?.trim().toLowerCase() !== "text/plain") {
    return `${FAILED} Response content type must be text/plain.`;
  }
  return answer.text === token
    ? undefined
    : `${FAILED} Response must exactly match validationToken query parameter.`;
}
