import type { RequestContext } from "../../http/context.ts";
import { OAuthError } from "../../oauth/oauth-error.ts";
import type { Resources } from "../../oauth/resources.ts";
import { formatScopes, SCOPES } from "../../oauth/scopes.ts";
import type { Caller } from "../../sessions/bearer.ts";
import type { FeatureCalls } from "../feature-calls.ts";
import { subscribedIn } from "./listen-connection.ts";

/** What a client asks for, whether as a request of its own or as part of one. */
export interface Asked {
  readonly method: string;
  readonly params: unknown;
}

/**
 * Before anything runs: a request that needs a scope which the token lacks sends the client back to sign in
 * for it (MCP authorization 2025-11-25, scope challenge; RFC 6750 §3.1). What it has is asked for again with
 * it, for clients take the challenge's scopes in place of their own.
 *
 * @throws OAuthError `insufficient_scope`
 */
export function requireScopes(
  deps: { calls: FeatureCalls; resources: Resources },
  { session, scopes }: Caller,
  requests: readonly Asked[],
  { log }: RequestContext,
): void {
  const missing = new Set(
    requests
      .flatMap(inParts)
      .map(({ method, params }) => deps.calls.missingScope(method, params, scopes)),
  );
  missing.delete(undefined);
  if (missing.size === 0) return;
  const needed = SCOPES.filter((scope) => scopes.includes(scope) || missing.has(scope));
  log.audit("step-up", {
    outcome: "denied",
    actor: session.userKey,
    session: session.id,
    client: session.clientId,
    reason: formatScopes(needed),
  });
  // For the person whose client does not sign in again by itself.
  const description = `This needs more than the app was given. Sign in again with these scopes: ${formatScopes(needed)}.`;
  const parameters = [
    `error="insufficient_scope"`,
    `scope="${formatScopes(needed)}"`,
    `resource_metadata="${deps.resources.metadataUrl("/mcp")}"`,
    `error_description="${description}"`,
  ];
  throw new OAuthError("insufficient_scope", description, {
    headers: { "WWW-Authenticate": `Bearer ${parameters.join(", ")}` },
  });
}

/** To listen is to subscribe to each of the resources that it names. */
function inParts(asked: Asked): Asked[] {
  if (asked.method !== "subscriptions/listen") return [asked];
  const subscriptions = subscribedIn(asked).map((uri) => ({
    method: "resources/subscribe",
    params: { uri },
  }));
  return [asked, ...subscriptions];
}
