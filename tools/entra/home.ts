import { ACCOUNTS, APPLICATION } from "./directory.ts";
import { markup, page } from "./page.ts";

/** `GET /`: what this is, for whoever opens the address in a browser. */
export async function home(): Promise<Response> {
  const people = Object.values(ACCOUNTS).map(({ name, tenant, profile, roles }) => {
    const role = roles.length > 0 ? `, role ${roles.join(", ")}` : "";
    return markup`<li><strong>${name}</strong> – ${profile.displayName}, ${tenant.name}${role}</li>\n`;
  });
  return page(
    "Entra stand-in",
    markup`<h1>Entra stand-in</h1>
<p class="soft">Answers as Microsoft Entra ID and Microsoft Graph would, for development without a tenant. It knows the application <code>${APPLICATION.clientId}</code> and these people:</p>
<ul class="permissions">
${people}</ul>
<p class="soft">Failures are switched at <code>/admin/switches</code> (GET, PUT) and restored by <code>POST /admin/reset</code>; events are put in calendars at <code>/admin/events</code>. All of it is in <code>tools/entra/README.md</code>.</p>`,
  );
}
