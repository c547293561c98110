/**
 * The seam to Microsoft Entra ID: the confidential client inside this server. The adapter is
 * `msal-entra.ts`. Every method may throw {@link EntraError}.
 */
export interface Entra {
  /** @returns The URL to send the browser to. */
  authorizationUrl(request: SignInRequest): Promise<string>;
  /**
   * Redeems Entra's code. Nothing is kept yet.
   *
   * @returns Who has signed in, and their tokens: MSAL's cache, for the vault of the session to be made.
   */
  redeemCode(redemption: CodeRedemption): Promise<{ identity: Identity; tokenCache: string }>;
  /**
   * Renews the session's tokens, whether or not they are due.
   *
   * @returns The roles that the person has now.
   */
  confirm(sessionId: string, scopes: readonly string[]): Promise<{ roles: readonly string[] }>;
  /**
   * An access token for Microsoft Graph, from the session's cache or renewed silently.
   *
   * @param options.renew Do not take it from the cache: Graph has refused that one.
   */
  graphToken(
    sessionId: string,
    scopes: readonly string[],
    options?: { renew?: boolean },
  ): Promise<string>;
}

export interface SignInRequest {
  readonly state: string;
  readonly nonce: string;
  /** S256 */
  readonly codeChallenge: string;
  /** Of Microsoft Graph; may be none. */
  readonly graphScopes: readonly string[];
  /** A claims challenge that the sign-in is to meet. */
  readonly claims?: string | undefined;
  /** Has the person choose an account, also where the browser is signed in with one. */
  readonly selectAccount?: boolean;
}

export interface CodeRedemption {
  readonly code: string;
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly graphScopes: readonly string[];
  readonly claims?: string | undefined;
}

/** A person, as the ID token names them. `tid` and `oid` together never change and are never reused. */
export interface Identity {
  readonly tenantId: string;
  readonly objectId: string;
  readonly roles: readonly string[];
}

/** What an error of Entra means to this server. */
export type EntraErrorKind =
  /** The person has not consented to what is asked for. */
  | "consent-required"
  /** The person said no. */
  | "declined"
  /** MFA or another step that needs the person at a browser. */
  | "interaction-required"
  /** The sign-in behind the session has ended. */
  | "session-over"
  /** An administrator or a policy does not let the person in. */
  | "blocked"
  /** The code was redeemed before. */
  | "code-redeemed"
  /** This server is set up wrongly. */
  | "configuration"
  /** It may work in a moment. */
  | "transient";

/** Entra did not do what was asked, or cannot be reached. */
export class EntraError extends Error {
  override name = "EntraError";
  readonly kind: EntraErrorKind;
  /** `AADSTS` and the number, where Entra sent one: safe to show, and what an administrator looks up. */
  readonly code: string | undefined;

  constructor(kind: EntraErrorKind, code: string | undefined, options?: ErrorOptions) {
    super(`Entra: ${kind}${code === undefined ? "" : ` (${code})`}`, options);
    this.kind = kind;
    this.code = code;
  }

  /** What to look it up by: Entra's number, or what it means where there is none. */
  get reason(): string {
    return this.code ?? this.kind;
  }
}
