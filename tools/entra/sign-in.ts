import { AadError } from "./aad-error.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import { sendError, sendResponse } from "./authorization-response.ts";
import { clientInfoOf } from "./client-info.ts";
import { consentPage } from "./consent-page.ts";
import { accountsOf, findAccount, findTenant } from "./directory.ts";
import type { Account } from "./directory.ts";
import { personFault } from "./faults.ts";
import { openSignIn, signInAction } from "./pending-sign-in.ts";
import { pickerPage } from "./picker-page.ts";
import { parseScopes } from "./scopes.ts";
import { formOf } from "./stand-in.ts";
import type { Call, StandIn } from "./stand-in.ts";

/**
 * `POST /{tenant}/oauth2/v2.0/authorize?ctx=…`: what the person chose in the picker or on the consent page.
 *
 * @throws AadError for the error page: a form that is not ours or too old, an account of another tenant
 */
export async function signIn(standIn: StandIn, call: Call): Promise<Response> {
  const { request, account: chosenBefore } = await openSignIn(standIn, call);
  const form = formOf(call);
  const decision = form.get("decision");
  if (form.get("account") === "cancel" || decision === "cancel") {
    return sendError(standIn, call, request, new AadError(65004));
  }
  const account = memberOf(request, chosenBefore ?? form.get("account"));

  const fault = personFault(standIn.switches, "sign-in", account.name);
  if (fault) {
    return pickerPage(request, await signInAction(standIn, request), fault.message);
  }

  const scopes = parseScopes(request.scope).graph;
  const missing = standIn.consents.missing(account.name, scopes);
  const accepted = chosenBefore !== undefined && decision === "accept";
  if (accepted) {
    standIn.consents.accept(account.name, scopes, standIn.nextSerial());
  } else if (missing.length > 0 || request.prompt === "consent") {
    const action = await signInAction(standIn, request, account.name);
    // As in Entra: what was accepted before is asked for again only where the application wants it so.
    const asked = request.prompt === "consent" ? scopes : missing;
    return consentPage(request, account, asked, action);
  }
  return finish(standIn, request, account);
}

function memberOf(request: AuthorizationRequest, name: string | null | undefined): Account {
  const account = findAccount(name ?? "");
  if (!account) {
    throw new AadError(90014, { detail: "account" });
  }
  const tenant = findTenant(request.tenant) ?? "any";
  if (!accountsOf(tenant).includes(account)) {
    throw new AadError(50020, {
      user: account.profile.userPrincipalName,
      tenant: request.tenant,
    });
  }
  return account;
}

function finish(standIn: StandIn, request: AuthorizationRequest, account: Account): Response {
  const code = standIn.codes.issue(
    {
      grant: {
        account: account.name,
        clientId: request.clientId,
        scope: request.scope,
        serial: standIn.nextSerial(),
        challengeMet: request.challengeMet,
      },
      redirectUri: request.redirectUri,
      codeChallenge: request.codeChallenge,
      nonce: request.nonce,
      clientInfo: request.clientInfo,
    },
    standIn.now().getTime(),
  );
  standIn.ledger.record({ kind: "code", account: account.name, value: code });
  return sendResponse(request, {
    code,
    ...(request.clientInfo && { client_info: clientInfoOf(account) }),
  });
}
