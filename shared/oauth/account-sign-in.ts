import { type Entra, EntraError } from "../entra/entra.ts";
import { PageError } from "../http/errors.ts";
import type { Log } from "../log.ts";
import type { AccountSessions } from "../sessions/account-session.ts";
import { userKeyOf } from "../sessions/user-key.ts";
import { entraCode } from "./entra-code.ts";
import type { EntraRedirect } from "./entra-redirect.ts";
import type { AccountTransaction } from "./transactions.ts";

/** Only who signs in is asked for: the account page needs nothing of Microsoft Graph. */
const GRAPH_SCOPES: readonly string[] = [];

/** The sign-in to the account page. It goes the way of a client's, and ends with a cookie instead of a code. */
export class AccountSignIn {
  readonly #entraRedirect: EntraRedirect;
  readonly #entra: Entra;
  readonly #accountSessions: AccountSessions;
  readonly #issuer: string;

  constructor(deps: {
    entraRedirect: EntraRedirect;
    entra: Entra;
    accountSessions: AccountSessions;
    issuer: string;
  }) {
    this.#entraRedirect = deps.entraRedirect;
    this.#entra = deps.entra;
    this.#accountSessions = deps.accountSessions;
    this.#issuer = deps.issuer;
  }

  /** Sends the browser to Entra. Who has just signed out is asked with which account to come back. */
  begin(): Promise<Response> {
    return this.#entraRedirect.send(
      { purpose: "account" },
      { graphScopes: GRAPH_SCOPES, selectAccount: true },
    );
  }

  /**
   * Opens the account page for the person who comes back. Their Entra tokens are not kept.
   *
   * @throws PageError, EntraError
   */
  async finish(
    parameters: URLSearchParams,
    { codeVerifier, nonce }: AccountTransaction,
    log: Log,
  ): Promise<Response> {
    try {
      const code = entraCode(parameters);
      const redemption = { code, codeVerifier, nonce, graphScopes: GRAPH_SCOPES };
      const { identity } = await this.#entra.redeemCode(redemption);
      const userKey = userKeyOf(identity);
      const cookie = await this.#accountSessions.open(userKey);
      log.audit("account-sign-in", { outcome: "success", actor: userKey });
      return new Response(null, {
        status: 302,
        headers: {
          Location: `${this.#issuer}/account`,
          "Set-Cookie": cookie,
          "Cache-Control": "no-store",
        },
      });
    } catch (error) {
      if (!(error instanceof EntraError)) throw error;
      log.audit("account-sign-in", { outcome: "denied", reason: error.reason });
      throw answerTo(error);
    }
  }
}

/** @returns What the person reads. A fault of ours or of Entra's stays what it is: 503. */
function answerTo(error: EntraError): PageError | EntraError {
  const suffix = error.code === undefined ? "" : ` (${error.code})`;
  switch (error.kind) {
    case "declined":
    case "consent-required":
    case "interaction-required":
    case "session-over":
    case "blocked":
    case "code-redeemed":
      return new PageError(
        403,
        {
          title: "You are not signed in",
          message: `Microsoft Entra ID did not complete the sign-in${suffix}.`,
          whatToDo:
            "Open this server’s account page and sign in again. If it happens again, ask your administrator.",
        },
        { cause: error },
      );
    case "configuration":
    case "transient":
      return error;
  }
}
