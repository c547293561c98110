import { z } from "zod";
import { AadError } from "./aad-error.ts";

const ClaimsSchema = z.record(z.string(), z.record(z.string(), z.unknown()).nullable());
const CapabilitiesSchema = z.object({ values: z.array(z.string()) });

/**
 * Reads a `claims` parameter. MSAL sends one on every request: the client's capabilities (`access_token.xms_cc`)
 * and wishes for the ID token. Only something else that is asked of the access token answers a claims challenge.
 *
 * @throws AadError 90023 where it is not the JSON that it has to be
 */
export function parseClaims(claims: string | undefined): {
  meetsChallenge: boolean;
  capabilities: string[];
} {
  if (claims === undefined) {
    return { meetsChallenge: false, capabilities: [] };
  }
  let parsed: z.infer<typeof ClaimsSchema>;
  try {
    parsed = ClaimsSchema.parse(JSON.parse(claims));
  } catch {
    throw new AadError(90023, { detail: "the 'claims' parameter is not valid" });
  }
  const capabilities = CapabilitiesSchema.safeParse(parsed["access_token"]?.["xms_cc"]);
  const names = Object.keys(parsed["access_token"] ?? {});
  return {
    meetsChallenge: names.some((name) => name !== "xms_cc"),
    capabilities: capabilities.success ? capabilities.data.values : [],
  };
}
