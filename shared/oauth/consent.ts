import { readForm } from "../http/body.ts";
import type { Handler } from "../http/context.ts";
import type { CookiePolicy } from "../http/cookies.ts";
import { PageError } from "../http/errors.ts";
import { AuthorizationError } from "./authorization-error.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import { answeringClient } from "./authorization-response.ts";
import type { ConsentRequests } from "./consent-request.ts";
import { isOwnForm } from "./csrf.ts";
import type { EntraRedirect } from "./entra-redirect.ts";
import type { RememberedConsents } from "./remembered-consents.ts";
import { graphScopes } from "./scopes.ts";

/**
 * `POST /consent`: the person's answer. Approved, the browser goes on to Entra; denied, back to the client.
 * The same form posted twice is answered twice: each post begins a transaction of its own.
 */
export function consentHandler(deps: {
  consentRequests: ConsentRequests;
  entraRedirect: EntraRedirect;
  remembered: RememberedConsents;
  cookies: CookiePolicy;
  issuer: string;
}): Handler {
  return async (request, { log }) => {
    const form = await readForm(request);
    const consent = await deps.consentRequests.open(form.get("request") ?? "");
    if (consent === undefined) throw expired();
    if (!isOwnForm(request, { origin: deps.issuer, boundTo: consent.csrf, policy: deps.cookies })) {
      throw foreignForm();
    }
    const client = consent.request.clientId;
    return answeringClient(consent.request, deps.issuer, async () => {
      switch (form.get("decision")) {
        case "approve":
          log.audit("consent", { outcome: "success", client });
          return approve(request, consent.request, form.get("remember") === "yes");
        case "deny":
          log.audit("consent", { outcome: "denied", client });
          throw new AuthorizationError("access_denied", "The person did not allow access.");
        case null:
        default:
          throw noDecision();
      }
    });
  };

  async function approve(
    request: Request,
    authorization: AuthorizationRequest,
    remember: boolean,
  ): Promise<Response> {
    const response = await deps.entraRedirect.send(
      { purpose: "client", request: authorization },
      { graphScopes: graphScopes(authorization.scopes) },
    );
    if (remember) {
      const cookie = await deps.remembered.remember(request, authorization);
      response.headers.append("Set-Cookie", cookie);
    }
    return response;
  }
}

function expired(): PageError {
  return new PageError(400, {
    title: "This page is too old",
    message: "The request that you were asked about has expired.",
    whatToDo: "Go back to the app you came from and connect again.",
  });
}

function foreignForm(): PageError {
  return new PageError(403, {
    title: "This answer did not come from our page",
    message: "Your browser says that another site sent this form, or it dropped our cookie.",
    whatToDo:
      "Go back to the app you came from and connect again. If it happens again, allow cookies for this site.",
  });
}

function noDecision(): PageError {
  return new PageError(400, {
    title: "There is no answer in this form",
    message: "The form says neither yes nor no.",
    whatToDo: "Go back and use one of the two buttons.",
  });
}
