import { ManagedIdentityCredential, type TokenCredential } from "@azure/identity";

/**
 * Who this app is to Azure: its managed identity. The same way from a laptop as from Azure, so that what is
 * tested is what runs: no chain that finds some other sign-in.
 *
 * @param clientId Of the user-assigned identity; the settings have it wherever something asks for this.
 */
export function azureCredential(clientId: string | undefined): TokenCredential {
  return new ManagedIdentityCredential(clientId === undefined ? {} : { clientId });
}
