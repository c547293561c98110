import { z } from "zod";
import type { Call } from "./stand-in.ts";

/**
 * Reads the JSON body of an admin request.
 *
 * @returns what the schema makes of it, or the `400` that says what is wrong
 */
export function parseAdminBody<T>(call: Call, schema: z.ZodType<T>): T | Response {
  let json: unknown;
  try {
    json = JSON.parse(call.body);
  } catch {
    return adminError(400, "The body is not JSON.");
  }
  const { data, error } = schema.safeParse(json);
  return error ? adminError(400, z.prettifyError(error)) : data;
}

/** An admin endpoint's error answer. */
export function adminError(status: 400 | 404, description: string): Response {
  const error = status === 404 ? "not_found" : "invalid_request";
  return Response.json({ error, error_description: description }, { status });
}
