import pkceChallenge from "pkce-challenge";
import type { Entra, SignInRequest } from "../entra/entra.ts";
import type { BrowserBinding } from "./browser-binding.ts";
import type { Purpose, Transactions } from "./transactions.ts";

/** Begins a sign-in: stores a transaction, ties it to this browser, and sends the browser to Entra. */
export async function redirectToEntra(
  deps: { transactions: Transactions; binding: BrowserBinding; entra: Entra },
  purpose: Purpose,
  options: Pick<SignInRequest, "graphScopes" | "selectAccount">,
): Promise<Response> {
  const pkce = await pkceChallenge();
  const { state, nonce } = await deps.transactions.begin(purpose, pkce.code_verifier);
  const location = await deps.entra.authorizationUrl({
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
      "Set-Cookie": await deps.binding.bind(state),
      "Cache-Control": "no-store",
    },
  });
}
