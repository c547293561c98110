import { z } from "zod";
import { AadError } from "./aad-error.ts";
import { parseClaims } from "./claims.ts";
import { findTenant } from "./directory.ts";
import { isRegisteredRedirectUri } from "./redirect-uri.ts";
import { parseScopes } from "./scopes.ts";
import { findApplication } from "./service-principals.ts";

/** Where an answer may be sent: checked first, because errors go there only once it is known to be right. */
export const ReplyToSchema = z.object({
  tenant: z.string(),
  clientId: z.string(),
  redirectUri: z.string(),
  responseMode: z.enum(["query", "fragment", "form_post"]),
  state: z.string().optional(),
});
export type ReplyTo = z.infer<typeof ReplyToSchema>;

/** A checked authorization request; it travels through the picker's form, sealed. */
export const AuthorizationRequestSchema = ReplyToSchema.extend({
  scope: z.string(),
  nonce: z.string().optional(),
  codeChallenge: z.string().optional(),
  prompt: z.enum(["login", "select_account", "consent"]).optional(),
  loginHint: z.string().optional(),
  domainHint: z.string().optional(),
  challengeMet: z.boolean(),
  clientInfo: z.boolean(),
});
export type AuthorizationRequest = z.infer<typeof AuthorizationRequestSchema>;

/**
 * Checks who asks and where the answer goes.
 *
 * @throws AadError 90002, 90014, 700016, 50011: shown on a page, never sent to the redirect URI
 */
export function parseReplyTo(tenant: string, query: URLSearchParams): ReplyTo {
  if (!findTenant(tenant)) {
    throw new AadError(90002, { tenant });
  }
  const clientId = required(query, "client_id");
  const application = findApplication(clientId);
  if (!application) {
    throw new AadError(700016, { app: clientId, tenant });
  }
  const redirectUri = required(query, "redirect_uri");
  if (!isRegisteredRedirectUri(application, redirectUri)) {
    throw new AadError(50011, { redirectUri });
  }
  const responseMode = ReplyToSchema.shape.responseMode.safeParse(
    query.get("response_mode") ?? "query",
  );
  if (!responseMode.success) {
    throw new AadError(90023, { detail: "unsupported response_mode" });
  }
  const state = query.get("state");
  return {
    tenant,
    clientId: application.clientId,
    redirectUri,
    responseMode: responseMode.data,
    ...(state !== null && { state }),
  };
}

/**
 * Checks the rest of an authorization request.
 *
 * @param replyTo what `parseReplyTo` returned
 * @param query the request's parameters
 * @throws AadError which may be sent to the redirect URI
 */
export function parseAuthorizationRequest(
  replyTo: ReplyTo,
  query: URLSearchParams,
): AuthorizationRequest {
  const responseType = required(query, "response_type");
  if (responseType !== "code") {
    throw new AadError(700054, { detail: responseType });
  }
  // Entra's v2.0 endpoint takes scopes; the `resource` of an MCP client matches none of them.
  if (query.has("resource")) {
    throw new AadError(9010010);
  }
  const scope = query.get("scope") ?? undefined;
  parseScopes(scope);
  const optional = (name: string) => query.get(name) ?? undefined;
  return {
    ...replyTo,
    scope: scope ?? "",
    nonce: optional("nonce"),
    codeChallenge: parseCodeChallenge(query),
    prompt: parsePrompt(optional("prompt")),
    loginHint: optional("login_hint"),
    domainHint: optional("domain_hint"),
    challengeMet: parseClaims(optional("claims")).meetsChallenge,
    clientInfo: query.get("client_info") === "1",
  };
}

function required(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (!value) {
    throw new AadError(90014, { detail: name });
  }
  return value;
}

// RFC 7636 §4.3. Entra also takes `plain`; nobody here should, so only S256 is taken.
function parseCodeChallenge(query: URLSearchParams): string | undefined {
  const challenge = query.get("code_challenge");
  if (challenge === null) {
    return undefined;
  }
  if (query.get("code_challenge_method") !== "S256") {
    throw new AadError(50147, { detail: "only code_challenge_method=S256 is accepted" });
  }
  if (!/^[\w-]{43}$/.test(challenge)) {
    throw new AadError(50147, { detail: "the size of the code challenge is not valid" });
  }
  return challenge;
}

function parsePrompt(prompt: string | undefined): AuthorizationRequest["prompt"] {
  switch (prompt) {
    case undefined:
    case "login":
    case "select_account":
    case "consent":
      return prompt;
    case "none":
      // There is no session here that a silent sign-in could use.
      throw new AadError(50058);
    default:
      throw new AadError(90023, { detail: `unsupported 'prompt' value '${prompt}'` });
  }
}
