import type { TestApp } from "./test-app.ts";

/**
 * Posts to `/token` with a code that does not exist, so that only the client's authentication decides: who
 * passes it is told `400 invalid_grant`.
 */
export function tokenRequest(
  app: TestApp,
  fields: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return app.fetch(`${app.baseUrl}/token`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: new URLSearchParams({
      grant_type: "authorization_code",
      code: "none",
      code_verifier: "x".repeat(43),
      ...fields,
    }),
  });
}

export const AUTHENTICATED = "400 invalid_grant";
export const NOT_AUTHENTICATED = "401 invalid_client";
