import {
  type AuthenticationResult,
  AuthError,
  ConfidentialClientApplication,
  DistributedCachePlugin,
  InteractionRequiredAuthError,
} from "@azure/msal-node";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Vault } from "../sessions/vault.ts";
import { classifyEntraError } from "./classify-error.ts";
import { type ClientCredential, clientCredential } from "./client-credential.ts";
import { type Authority, discoverAuthority } from "./discovery.ts";
import {
  type CodeRedemption,
  type Entra,
  EntraError,
  type Identity,
  type SignInRequest,
} from "./entra.ts";
import { identityOf, rolesOf } from "./identity.ts";
import { boundedNetwork } from "./network.ts";
import { withPropagation } from "./propagation.ts";

/** The confidential client: MSAL, with one cache partition a session, kept in the vault. */
export class MsalEntra implements Entra {
  readonly #settings: Config["entra"];
  readonly #credential: ClientCredential;
  readonly #redirectUri: string;
  readonly #vault: Vault;
  readonly #clock: Clock;
  #authority: Promise<Authority> | undefined;

  constructor(deps: { config: Config; vault: Vault; clock: Clock }) {
    this.#settings = deps.config.entra;
    this.#credential = clientCredential(deps.config);
    this.#redirectUri = `${deps.config.baseUrl}/callback`;
    this.#vault = deps.vault;
    this.#clock = deps.clock;
  }

  authorizationUrl(request: SignInRequest): Promise<string> {
    return this.#run(undefined, (msal) =>
      // Never `resource`: Entra refuses it. Never the client's `prompt`: it is not Entra's client.
      msal.getAuthCodeUrl({
        scopes: [...request.graphScopes],
        redirectUri: this.#redirectUri,
        state: request.state,
        nonce: request.nonce,
        codeChallenge: request.codeChallenge,
        codeChallengeMethod: "S256",
        ...(request.claims !== undefined && { claims: request.claims }),
        ...(request.selectAccount === true && { prompt: "select_account" }),
      }),
    );
  }

  async redeemCode(
    redemption: CodeRedemption,
  ): Promise<{ identity: Identity; tokenCache: string }> {
    return this.#run(undefined, async (msal, { issuer }) => {
      const result = await msal.acquireTokenByCode({
        code: redemption.code,
        codeVerifier: redemption.codeVerifier,
        nonce: redemption.nonce,
        scopes: [...redemption.graphScopes],
        redirectUri: this.#redirectUri,
        ...(redemption.claims !== undefined && { claims: redemption.claims }),
      });
      const identity = identityOf(result.idTokenClaims, {
        clientId: this.#settings.clientId,
        nonce: redemption.nonce,
        issuerTemplate: issuer,
        allowedTenants: this.#settings.allowedTenants,
      });
      return { identity, tokenCache: msal.getTokenCache().serialize() };
    });
  }

  async confirm(
    sessionId: string,
    scopes: readonly string[],
  ): Promise<{ roles: readonly string[] }> {
    const { idTokenClaims } = await this.#renew(sessionId, scopes, true);
    return { roles: rolesOf(idTokenClaims) };
  }

  async graphToken(
    sessionId: string,
    scopes: readonly string[],
    { renew = false }: { renew?: boolean } = {},
  ): Promise<string> {
    return (await this.#renew(sessionId, scopes, renew)).accessToken;
  }

  #renew(
    sessionId: string,
    scopes: readonly string[],
    forceRefresh: boolean,
  ): Promise<AuthenticationResult> {
    return this.#run(sessionId, async (msal) => {
      const [account] = await msal.getTokenCache().getAllAccounts();
      if (account === undefined) throw new EntraError("session-over", undefined);
      return msal.acquireTokenSilent({ account, scopes: [...scopes], forceRefresh });
    });
  }

  #run<T>(
    sessionId: string | undefined,
    work: (msal: ConfidentialClientApplication, authority: Authority) => Promise<T>,
  ): Promise<T> {
    return withPropagation(this.#clock, () => this.#attempt(sessionId, work));
  }

  /** An MSAL instance a call, as its documentation has it: the cache in it belongs to one session. */
  async #attempt<T>(
    sessionId: string | undefined,
    work: (msal: ConfidentialClientApplication, authority: Authority) => Promise<T>,
  ): Promise<T> {
    try {
      const authority = await this.#discover();
      const { issuer: _, ...location } = authority;
      const msal = new ConfidentialClientApplication({
        auth: {
          clientId: this.#settings.clientId,
          ...this.#credential,
          ...location,
          // Continuous access evaluation: Graph may ask for a new sign-in before a token has expired.
          clientCapabilities: ["cp1"],
        },
        cache: sessionId === undefined ? {} : { cachePlugin: this.#cachePlugin(sessionId) },
        system: { networkClient: boundedNetwork, disableInternalRetries: true },
      });
      return await work(msal, authority);
    } catch (error) {
      throw toEntraError(error);
    }
  }

  #cachePlugin(sessionId: string): DistributedCachePlugin {
    const partition = () => Promise.resolve(sessionId);
    return new DistributedCachePlugin(
      {
        get: async (key) => (await this.#vault.read(key)) ?? "",
        set: async (key, cache) => {
          await this.#vault.renew(key, cache);
          return cache;
        },
      },
      { getKey: partition, extractKey: partition },
    );
  }

  #discover(): Promise<Authority> {
    this.#authority ??= discoverAuthority(
      this.#settings.authorityUrl,
      this.#settings.tenantId,
    ).catch((error: unknown) => {
      this.#authority = undefined;
      throw error;
    });
    return this.#authority;
  }
}

/** What MSAL threw, classified. What came from elsewhere (storage, say) keeps its own meaning. */
function toEntraError(error: unknown): unknown {
  if (!(error instanceof AuthError)) return error;
  return classifyEntraError({
    codes: [error.subError, error.errorCode],
    description: error.errorMessage,
    interactionRequired: error instanceof InteractionRequiredAuthError,
    cause: isEntrasText(error.errorMessage) ? withoutText(error) : error,
  });
}

function isEntrasText(text: string): boolean {
  return text.includes("AADSTS");
}

/** What the log may hold of an error of Entra's: its text can name the person (AADSTS50020, AADSTS50105). */
function withoutText({ errorCode, subError, errorMessage }: AuthError): Error {
  const number = /AADSTS\d+/.exec(errorMessage)?.[0];
  const trace = /Trace ID: ([\w-]+)/.exec(errorMessage)?.[1];
  const known = [errorCode, subError, number, trace && `trace ${trace}`].filter(Boolean);
  return new Error(`Entra answered ${known.join(", ")}`);
}
