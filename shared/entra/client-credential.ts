import type { TokenCredential } from "@azure/identity";
import { aborted } from "../aborted.ts";
import { azureCredential } from "../azure-credential.ts";
import type { Config } from "../config.ts";
import { EntraError } from "./entra.ts";

/** How the server proves to Entra that it is the application, in the words of MSAL's configuration. */
export type ClientCredential =
  { readonly clientSecret: string } | { readonly clientAssertion: () => Promise<string> };

/** What a federated credential of the application takes in place of a secret (RFC 7523 §2.2). */
const TOKEN_EXCHANGE_SCOPE = "api://AzureADTokenExchange/.default";

const TIMEOUT_MS = 10_000;

/** @returns The secret of the settings, or without one the managed identity. */
export function clientCredential({
  entra: { clientSecret },
  azureClientId,
}: Config): ClientCredential {
  if (clientSecret !== undefined) return { clientSecret };
  return { clientAssertion: managedIdentityAssertion(azureCredential(azureClientId)) };
}

/**
 * A token of the managed identity, which the application trusts as it would its own secret. The library keeps
 * it until it is about to expire.
 *
 * @throws EntraError `transient`: nothing is known against the person or the session.
 */
export function managedIdentityAssertion(
  identity: TokenCredential,
  timeoutMs: number = TIMEOUT_MS,
): () => Promise<string> {
  return async () => {
    try {
      // The library waits for its endpoint without a limit.
      const late = aborted(AbortSignal.timeout(timeoutMs));
      const answer = await Promise.race([identity.getToken(TOKEN_EXCHANGE_SCOPE), late]);
      if (answer === null) throw new Error("the identity endpoint gave no token");
      return answer.token;
    } catch (cause) {
      throw new EntraError("transient", undefined, {
        cause: new Error("no token of the managed identity: does the app have AZURE_CLIENT_ID?", {
          cause,
        }),
      });
    }
  };
}
