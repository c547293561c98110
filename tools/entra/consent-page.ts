import type { AuthorizationRequest } from "./authorization-request.ts";
import type { Account } from "./directory.ts";
import { markup, page } from "./page.ts";
import { GRAPH_SCOPES } from "./scopes.ts";
import { findApplication } from "./service-principals.ts";

/**
 * "Permissions requested": what the application wants to do as this person, to accept or to cancel.
 *
 * @param scopes short names of the Graph permissions
 * @param action where the form posts to; it holds the account
 */
export function consentPage(
  request: AuthorizationRequest,
  account: Account,
  scopes: readonly string[],
  action: string,
): Response {
  const application = findApplication(request.clientId)?.name ?? request.clientId;
  const offline = request.scope.split(" ").includes("offline_access") ? [OFFLINE] : [];
  const items = [...scopes.map((scope) => GRAPH_SCOPES[scope] ?? scope), ...offline];
  return page(
    "Permissions requested",
    markup`<p class="soft">${account.profile.userPrincipalName}</p>
<h1>Permissions requested</h1>
<p class="soft">${application} would like to:</p>
<ul class="permissions">
${items.map((item) => markup`<li>${item}</li>\n`)}</ul>
<form method="post" action="${action}">
<div class="actions"><button name="decision" value="cancel">Cancel</button>
<button name="decision" value="accept">Accept</button></div>
</form>`,
  );
}

const OFFLINE = "Maintain access to data you have given it access to";
