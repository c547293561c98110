import { z } from "zod";
import { repeatedParameter } from "../http/body.ts";
import { PageError } from "../http/errors.ts";
import { AuthorizationError } from "./authorization-error.ts";
import type { Client } from "./clients/client.ts";
import type { Clients } from "./clients/clients.ts";
import { OAuthError } from "./oauth-error.ts";
import { redirectUriMatches } from "./redirect-uri.ts";
import type { Resources } from "./resources.ts";
import { defaultScopes, grantedScopes, parseScopes, SCOPES, type Scope } from "./scopes.ts";

export const authorizationRequest = z.object({
  clientId: z.string(),
  clientName: z.string(),
  redirectUri: z.string(),
  state: z.string().optional(),
  codeChallenge: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  resource: z.string(),
});

/** An authorization request that has passed every check. */
export type AuthorizationRequest = z.infer<typeof authorizationRequest>;

/** Where the answer goes, good or bad: known to be the client's own. */
export type ReturnAddress = Pick<AuthorizationRequest, "redirectUri" | "state">;

/** Longer values would make the URL that carries them back longer than browsers and proxies take. */
const MAX_STATE_LENGTH = 4_096;

const START_AGAIN = "Go back to the app you came from and connect again.";

/**
 * The client and its redirect URI. Until both are known, nothing is sent anywhere: what is wrong here is
 * said on a page (RFC 6749 §4.1.2.1).
 *
 * @throws PageError
 */
export async function checkClient(
  parameters: URLSearchParams,
  clients: Clients,
): Promise<{ client: Client; returnAddress: ReturnAddress }> {
  if (["client_id", "redirect_uri", "state"].some((name) => parameters.getAll(name).length > 1)) {
    throw new PageError(400, {
      title: "This sign-in link is broken",
      message: "A parameter of the link is there twice.",
      whatToDo: START_AGAIN,
    });
  }
  const client = await findClient(parameters.get("client_id") ?? "", clients);
  if (client === undefined) {
    throw new PageError(400, {
      title: "This app is not known here",
      message: "The app that sent you is not registered with this server, or not any more.",
      whatToDo:
        "In the app, remove this server and add it again, so that the app registers anew. " +
        "If it keeps its registration, clear the app's stored sign-in for this server.",
    });
  }
  const redirectUri = requestedRedirectUri(parameters, client);
  if (redirectUri === undefined) {
    throw new PageError(400, {
      title: "This app cannot be returned to",
      message: "The address to return to is not one that the app has registered.",
      whatToDo: START_AGAIN,
    });
  }
  return { client, returnAddress: { redirectUri, state: parameters.get("state") ?? undefined } };
}

/** What is wrong with a client's metadata document is said to the person too: nobody else sees this page. */
async function findClient(id: string, clients: Clients): Promise<Client | undefined> {
  try {
    return await clients.find(id);
  } catch (cause) {
    if (!(cause instanceof OAuthError)) throw cause;
    const transient = cause.code === "temporarily_unavailable";
    throw new PageError(
      transient ? 503 : 400,
      {
        title: transient
          ? "This app cannot be looked up right now"
          : "This app cannot be used here",
        message: cause.message,
        whatToDo: transient ? `Wait a minute. ${START_AGAIN}` : "Tell the makers of the app.",
      },
      { cause },
    );
  }
}

/**
 * Everything else about the request. What is wrong here goes back to the client.
 *
 * @throws AuthorizationError
 */
export function checkRequest(
  parameters: URLSearchParams,
  client: Client,
  returnAddress: ReturnAddress,
  resources: Resources,
): AuthorizationRequest {
  if (repeatedParameter(parameters) !== undefined) {
    throw new AuthorizationError("invalid_request", "A parameter is there more than once.");
  }
  checkState(returnAddress.state);
  checkResponseType(parameters);
  checkRequestObject(parameters);
  checkPrompt(parameters);
  const codeChallenge = checkCodeChallenge(parameters);
  const resource = checkResource(parameters, resources);
  return {
    ...returnAddress,
    clientId: client.id,
    clientName: client.name,
    codeChallenge,
    resource,
    scopes: checkScope(parameters, resource === resources.of("/sse")),
  };
}

/** OAuth 2.1 §4.1.1: may be left out where exactly one is registered. */
function requestedRedirectUri(parameters: URLSearchParams, client: Client): string | undefined {
  const requested = parameters.get("redirect_uri");
  if (requested === null) {
    return client.redirectUris.length === 1 ? client.redirectUris[0] : undefined;
  }
  return client.redirectUris.some((registered) => redirectUriMatches(requested, registered))
    ? requested
    : undefined;
}

/** RFC 6749 appendix A.5: visible characters and spaces. */
function checkState(state = ""): void {
  if (state.length > MAX_STATE_LENGTH || !/^[\x20-\x7e]*$/.test(state)) {
    throw new AuthorizationError("invalid_request", "state is too long, or not plain text.");
  }
}

function checkResponseType(parameters: URLSearchParams): void {
  const type = parameters.get("response_type");
  if (type === null) throw new AuthorizationError("invalid_request", "response_type is missing.");
  if (type !== "code") {
    throw new AuthorizationError("unsupported_response_type", "response_type must be code.");
  }
  const mode = parameters.get("response_mode") ?? "query";
  if (mode !== "query") {
    throw new AuthorizationError("invalid_request", "response_mode must be query.");
  }
}

/** OpenID Connect Core §6: a request object would be a second, unchecked request. */
function checkRequestObject(parameters: URLSearchParams): void {
  if (parameters.has("request")) {
    throw new AuthorizationError("request_not_supported", "Send plain parameters.");
  }
  if (parameters.has("request_uri")) {
    throw new AuthorizationError("request_uri_not_supported", "Send plain parameters.");
  }
}

/** OpenID Connect Core §3.1.2.1: `none` forbids any page, and consent may have to be asked for. */
function checkPrompt(parameters: URLSearchParams): void {
  if (parameters.get("prompt") === "none") {
    throw new AuthorizationError("interaction_required", "This server asks for consent.");
  }
}

/** RFC 7636 §4.3, OAuth 2.1 §4.1.1: always, and S256 only. An absent method would mean `plain`. */
function checkCodeChallenge(parameters: URLSearchParams): string {
  const challenge = parameters.get("code_challenge");
  if (challenge === null) {
    throw new AuthorizationError("invalid_request", "code_challenge is missing (PKCE).");
  }
  if (parameters.get("code_challenge_method") !== "S256") {
    throw new AuthorizationError("invalid_request", "code_challenge_method must be S256.");
  }
  if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) {
    throw new AuthorizationError(
      "invalid_request",
      "code_challenge is not a SHA-256 in base64url.",
    );
  }
  return challenge;
}

function checkResource(parameters: URLSearchParams, resources: Resources): string {
  try {
    return resources.parse(parameters) ?? resources.of("");
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    throw new AuthorizationError("invalid_target", error.message, { cause: error });
  }
}

function checkScope(parameters: URLSearchParams, sse: boolean): Scope[] {
  const text = parameters.get("scope");
  if (text === null) return defaultScopes(sse);
  const asked = parseScopes(text);
  if (asked === undefined) {
    throw new AuthorizationError("invalid_scope", "scope is not a list of scope names.");
  }
  return asked.length === 0 ? defaultScopes(sse) : grantedScopes(asked);
}
