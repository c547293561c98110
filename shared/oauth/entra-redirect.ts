import pkceChallenge from "pkce-challenge";
import type { Entra } from "../entra/entra.ts";
import type { BrowserBinding } from "./browser-binding.ts";
import { graphScopes } from "./scopes.ts";
import type { Purpose, Transactions } from "./transactions.ts";

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
   * @param claims A claims challenge that this sign-in is to meet.
   */
  async send(purpose: Purpose, claims?: string): Promise<Response> {
    // Our own PKCE pair: Entra never sees the client's.
    const pkce = await pkceChallenge();
    const { state, nonce } = await this.#transactions.begin({
      ...purpose,
      codeVerifier: pkce.code_verifier,
      claims,
    });
    const location = await this.#entra.authorizationUrl({
      state,
      nonce,
      codeChallenge: pkce.code_challenge,
      graphScopes: purpose.purpose === "client" ? graphScopes(purpose.request.scopes) : [],
      claims,
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
