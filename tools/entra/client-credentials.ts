import { AadError } from "./aad-error.ts";
import { APPLICATION, findTenant } from "./directory.ts";
import type { Application, Tenant } from "./directory.ts";
import { issueAppToken } from "./issue-app-token.ts";
import { findServicePrincipal } from "./service-principals.ts";
import { formOf } from "./stand-in.ts";
import type { Call, StandIn } from "./stand-in.ts";

const TOKEN_TTL_SECONDS = 60 * 60;
const DEFAULT_SCOPE = "/.default";

/**
 * The grant of a program that acts as itself (RFC 6749 §4.4): a token for our application, with the app roles that
 * are assigned to the program. There is no refresh token and no ID token.
 *
 * @param application the authenticated client
 * @throws AadError 50059 (no tenant named), 7000229 (not in that tenant), 90014, 70011, 1002012, 500011 (scope)
 */
export async function redeemClientCredentials(
  standIn: StandIn,
  call: Call,
  application: Application,
) {
  const tenant = findTenant(call.params["tenant"] ?? "");
  if (tenant === undefined || tenant === "any") {
    throw new AadError(50059);
  }
  const form = formOf(call);
  checkScope(form.get("scope"), tenant);
  const principal = findServicePrincipal(application.clientId, tenant);
  if (!principal) {
    throw new AadError(7000229, { app: application.clientId, tenant: tenant.id });
  }
  const proof = form.has("client_assertion") ? "assertion" : "secret";
  return {
    token_type: "Bearer",
    expires_in: TOKEN_TTL_SECONDS,
    ext_expires_in: TOKEN_TTL_SECONDS,
    access_token: await issueAppToken(standIn, principal, proof, TOKEN_TTL_SECONDS),
  };
}

/** The only resource that programs get tokens for here is our application, by its client id. */
function checkScope(scope: string | null, tenant: Tenant): void {
  if (!scope) {
    throw new AadError(90014, { detail: "scope" });
  }
  if (scope.includes(" ")) {
    throw new AadError(70011, { detail: scope });
  }
  if (!scope.endsWith(DEFAULT_SCOPE)) {
    throw new AadError(1002012, { detail: scope });
  }
  const resource = scope.slice(0, -DEFAULT_SCOPE.length);
  if (resource.toLowerCase() !== APPLICATION.clientId) {
    // The registration has no identifier URI, so `api://…` fails here as it does in the real tenant.
    throw new AadError(500011, { detail: resource, tenant: tenant.name });
  }
}
