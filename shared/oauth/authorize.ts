import { givenParameters } from "../http/body.ts";
import type { Handler } from "../http/context.ts";
import type { CookiePolicy } from "../http/cookies.ts";
import { consentPage } from "../http/pages/consent-page.ts";
import type { Random } from "../random.ts";
import { AuthorizationError } from "./authorization-error.ts";
import { type AuthorizationRequest, checkClient, checkRequest } from "./authorization-request.ts";
import { answerRequestFault } from "./authorization-response.ts";
import type { Client } from "./clients/client.ts";
import type { Clients } from "./clients/clients.ts";
import type { ConsentRequests } from "./consent-request.ts";
import { csrfCookie } from "./csrf.ts";
import type { EntraRedirect } from "./entra-redirect.ts";
import { isLoopbackRedirect, redirectHost } from "./redirect-uri.ts";
import { mayRemember, type RememberedConsents } from "./remembered-consents.ts";
import type { Resources } from "./resources.ts";
import { definitionsOf, graphScopes } from "./scopes.ts";

/**
 * `GET /authorize` (OAuth 2.1 §4.1.1): checks the request and asks the person. Nothing goes to Entra and
 * nothing is stored before the person has approved, now or in a consent that this browser remembers (MCP
 * security best practices, confused deputy).
 */
export function authorizeHandler(deps: {
  clients: Clients;
  resources: Resources;
  consentRequests: ConsentRequests;
  remembered: RememberedConsents;
  entraRedirect: EntraRedirect;
  random: Random;
  cookies: CookiePolicy;
  issuer: string;
}): Handler {
  return async (request, { log }) => {
    const parameters = givenParameters(new URL(request.url).searchParams);
    const { client, returnAddress } = await checkClient(parameters, deps.clients);
    let authorization: AuthorizationRequest;
    try {
      authorization = checkRequest(parameters, client, returnAddress, deps.resources);
    } catch (error) {
      if (!(error instanceof AuthorizationError)) throw error;
      return answerRequestFault(error, client, returnAddress, deps.issuer);
    }
    if (await deps.remembered.covers(request, authorization)) {
      log.audit("consent", { outcome: "success", client: client.id, reason: "remembered" });
      return deps.entraRedirect.send(
        { purpose: "client", request: authorization },
        { graphScopes: graphScopes(authorization.scopes) },
      );
    }
    return askForConsent(request, client, authorization);
  };

  async function askForConsent(
    request: Request,
    client: Client,
    authorization: AuthorizationRequest,
  ): Promise<Response> {
    const csrf = csrfCookie(request, deps.random, deps.cookies);
    return consentPage(
      {
        clientName: client.name,
        ...(client.uri !== undefined && { clientUri: client.uri }),
        ...(client.host !== undefined && { clientHost: client.host }),
        redirectHost: redirectHost(authorization.redirectUri),
        redirectUri: authorization.redirectUri,
        // Also where others of its URIs are elsewhere: any local program can say that it is this client.
        loopbackOnly: isLoopbackRedirect(authorization.redirectUri),
        rememberable: mayRemember(authorization),
        scopes: definitionsOf(authorization.scopes),
        request: await deps.consentRequests.seal(authorization, csrf.value),
      },
      { "Set-Cookie": csrf.header },
    );
  }
}
