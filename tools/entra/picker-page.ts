import type { AuthorizationRequest } from "./authorization-request.ts";
import { accountsOf, findTenant } from "./directory.ts";
import type { Account } from "./directory.ts";
import { markup, page } from "./page.ts";
import type { Html } from "./page.ts";
import { findApplication } from "./service-principals.ts";

/**
 * The account picker: one button an account, and one to decline. No password: nobody here has one.
 *
 * @param request what the person signs in to; its hints put an account first or leave others out
 * @param action where the form posts to
 * @param problem why the last choice did not work
 */
export function pickerPage(
  request: AuthorizationRequest,
  action: string,
  problem?: string,
): Response {
  const application = findApplication(request.clientId)?.name ?? request.clientId;
  const alert = problem ? markup`<p class="bad" role="alert">${problem}</p>` : markup``;
  return page(
    "Pick an account",
    markup`<h1>Pick an account</h1>
<p class="soft">to continue to ${application}</p>
${alert}
<form method="post" action="${action}">
<ul class="people">
${offered(request).map(row)}</ul>
<div class="actions"><button name="account" value="cancel">Cancel</button></div>
</form>`,
  );
}

// Tests and scripts look for `<button name="account" value="alice">` to the letter: no other attributes.
function row(account: Account): Html {
  const { displayName, userPrincipalName, givenName, surname } = account.profile;
  const roles = account.roles.length > 0 ? ` · ${account.roles.join(", ")}` : "";
  return markup`<li><button name="account" value="${account.name}">
<span class="initials" aria-hidden="true">${givenName.slice(0, 1) + surname.slice(0, 1)}</span>
<span><strong>${displayName}</strong> <small>${userPrincipalName}</small> <small>${account.tenant.name}${roles}</small></span>
</button></li>
`;
}

/** The accounts of the tenant; `domain_hint` leaves out other domains, `login_hint` puts its account first. */
function offered(request: AuthorizationRequest): Account[] {
  const members = accountsOf(findTenant(request.tenant) ?? "any");
  const near = members.filter(({ tenant }) => tenant.domain === request.domainHint);
  const first = hinted(request);
  return (near.length > 0 ? near : members).toSorted(
    (a, b) => Number(b === first) - Number(a === first),
  );
}

function hinted(request: AuthorizationRequest): Account | undefined {
  const hint = request.loginHint?.toLowerCase();
  return accountsOf("any").find(({ profile }) => profile.userPrincipalName === hint);
}
