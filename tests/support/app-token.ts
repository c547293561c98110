import type { RunningEntra } from "../../tools/entra/start-entra.ts";
import { APPLICATION, HOME_TENANT, type Tenant } from "../../tools/entra/directory.ts";

/** An access token for this server that a program gets for itself, by client credentials. */
export async function appToken(
  entra: RunningEntra,
  client: { readonly clientId: string; readonly secret: string },
  tenant: Tenant = HOME_TENANT,
): Promise<string> {
  const response = await fetch(`${entra.url}/${tenant.id}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: client.clientId,
      client_secret: client.secret,
      scope: `${APPLICATION.clientId}/.default`,
    }),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return token;
}
