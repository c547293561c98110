import { classifyEntraError } from "../entra/classify-error.ts";

/**
 * Reads Entra's answer at the callback.
 *
 * @returns The code.
 * @throws EntraError for the error that Entra sent instead of one.
 */
export function entraCode(parameters: URLSearchParams): string {
  const code = parameters.get("code");
  if (code !== null) return code;
  throw classifyEntraError({
    codes: [parameters.get("error") ?? ""],
    description: parameters.get("error_description") ?? "",
    interactionRequired: false,
  });
}
