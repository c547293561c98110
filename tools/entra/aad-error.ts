import { randomUUID } from "node:crypto";
import { AADSTS } from "./aadsts.ts";
import type { AadstsCode, AadstsEntry } from "./aadsts.ts";
import { APPLICATION, GRAPH_APP_ID, HOME_TENANT } from "./directory.ts";

/** What fills a text's placeholders where the thrower says nothing else. */
const DEFAULTS: Readonly<Record<string, string>> = {
  app: APPLICATION.clientId,
  appName: APPLICATION.name,
  resource: GRAPH_APP_ID,
  tenant: HOME_TENANT.name,
  // Entra names people by their addresses, also to programs.
  user: `someone@${HOME_TENANT.domain}`,
  redirectUri: "unknown",
  detail: "unknown",
};

/** One of Entra's errors, thrown by a check and put on the wire by the endpoint. */
export class AadError extends Error {
  readonly code: AadstsCode;
  readonly entry: AadstsEntry;

  /**
   * @param code the AADSTS number
   * @param fill values for the placeholders of its text
   */
  constructor(code: AadstsCode, fill: Readonly<Record<string, string>> = {}) {
    const entry: AadstsEntry = AADSTS[code];
    const values = { ...DEFAULTS, ...fill };
    super(
      `AADSTS${code}: ${entry.text.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name)}`,
    );
    this.name = "AadError";
    this.code = code;
    this.entry = entry;
  }
}

/**
 * The JSON that Entra sends for an error; the redirect and the error page take their parts from it.
 *
 * @param error what a check threw
 * @param base the stand-in's address, for `error_uri`
 * @param now the moment to stamp it with
 * @param correlationId the caller's `client-request-id`, if it sent one
 */
export function errorBody(error: AadError, base: string, now: Date, correlationId: string) {
  const traceId = randomUUID();
  const timestamp = `${now.toISOString().slice(0, 19).replace("T", " ")}Z`;
  return {
    error: error.entry.error,
    error_description: `${error.message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [error.code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `${base}/error?code=${error.code}`,
    ...(error.entry.suberror && { suberror: error.entry.suberror }),
    ...(error.entry.claims && { claims: error.entry.claims }),
  };
}
