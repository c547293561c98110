import pkceChallenge from "pkce-challenge";
import type { Entra, SignInRequest } from "../entra/entra.ts";
import type { BrowserBinding } from "./browser-binding.ts";
import type { SignInPurpose, Transactions } from "./transactions.ts";

export type SignInOptions = Pick<SignInRequest, "graphScopes" | "claims" | "selectAccount">;

/** Begins a sign-in at Entra. Whatever it is for, this is the one way there. */
export class EntraRedirect {
  readonly #transactions: Transactions;
  readonly #binding: BrowserBinding;
  readonly #entra: Entra;

  constructor(deps: { transactions: Transactions; binding: BrowserBinding; entra: Entra }) {
    this.#transactions = deps.transactions;
    this.#binding = deps.binding;
    this.#entra = deps.entra;
  }

  /**
   * Begins a transaction, ties it to this browser and sends the browser to Entra.
   *
   * @param purpose What the sign-in is for; `/callback` goes by it.
   */
  async send(purpose: SignInPurpose, options: SignInOptions): Promise<Response> {
    // Our own PKCE pair: Entra never sees the client's.
    const pkce = await pkceChallenge();
    const { state, nonce } = await this.#transactions.begin(
      purpose,
      pkce.code_verifier,
      options.claims,
    );
    const location = await this.#entra.authorizationUrl({
      state,
      nonce,
      codeChallenge: pkce.code_challenge,
      ...options,
    });
    return new Response(null, {
      // The browser follows with GET, whatever it posted (RFC 9110 §15.4.4).
      status: 303,
      headers: {
        Location: location,
        "Set-Cookie": await this.#binding.bind(state),
        "Cache-Control": "no-store",
      },
    });
  }
}
