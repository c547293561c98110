import { ManagedIdentityCredential, type TokenCredential } from "@azure/identity";

/**
 * Who this app is to Azure: its managed identity.
 *
 * @param clientId Of a user-assigned identity; without it the system-assigned one is meant.
 */
export function azureCredential(clientId: string | undefined): TokenCredential {
  return new ManagedIdentityCredential(clientId === undefined ? {} : { clientId });
}
