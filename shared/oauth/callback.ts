import { type Entra, EntraError } from "../entra/entra.ts";
import type { Handler, RequestContext } from "../http/context.ts";
import { PageError } from "../http/errors.ts";
import { KeysUnavailable } from "../keys/key-wrapper.ts";
import { StorageUnavailable } from "../storage/store.ts";
import { AuthorizationError } from "./authorization-error.ts";
import { answeringClient } from "./authorization-response.ts";
import type { BrowserBinding } from "./browser-binding.ts";
import type { AccountSignIn } from "./account-sign-in.ts";
import type { ClientSignIn, SignedIn } from "./client-sign-in.ts";
import { entraCode } from "./entra-code.ts";
import { graphScopes } from "./scopes.ts";
import type { ClientTransaction, Transaction, Transactions } from "./transactions.ts";

/** `GET /callback`: the person comes back from Entra, for what the sign-in was begun for. */
export function callbackHandler(deps: {
  transactions: Transactions;
  binding: BrowserBinding;
  entra: Entra;
  clientSignIn: ClientSignIn;
  accountSignIn: AccountSignIn;
  issuer: string;
}): Handler {
  return async (request, context) => {
    const state = new URL(request.url).searchParams.get("state") ?? "";
    // First the browser, then the transaction: a link opened elsewhere must not use it up.
    if (!(await deps.binding.isBound(request, state))) throw otherBrowser();
    const transaction = await deps.transactions.take(state);
    if (transaction === undefined) throw finished();
    const response = await finish(transaction, request, context);
    response.headers.append("Set-Cookie", deps.binding.release(state));
    return response;
  };

  function finish(
    transaction: Transaction,
    request: Request,
    context: RequestContext,
  ): Promise<Response> {
    const parameters = new URL(request.url).searchParams;
    switch (transaction.purpose) {
      case "client":
        return answeringClient(transaction.request, deps.issuer, async () => {
          try {
            const signedIn = await redeem(transaction, parameters, context);
            return await deps.clientSignIn(transaction, signedIn, request, context);
          } catch (error) {
            throw answerToFault(error, context);
          }
        });
      case "account":
        return deps.accountSignIn.finish(parameters, transaction, context.log);
    }
  }

  async function redeem(
    { request, codeVerifier, nonce, claims }: ClientTransaction,
    parameters: URLSearchParams,
    context: RequestContext,
  ): Promise<SignedIn> {
    try {
      const code = entraCode(parameters);
      const scopes = graphScopes(request.scopes);
      return await deps.entra.redeemCode({
        code,
        codeVerifier,
        nonce,
        graphScopes: scopes,
        claims,
      });
    } catch (error) {
      throw error instanceof EntraError ? answerTo(error, request.clientId, context) : error;
    }
  }
}

/** What the client is told, or, where the client can do nothing with it, the person. */
function answerTo(
  error: EntraError,
  client: string,
  { log }: RequestContext,
): AuthorizationError | PageError {
  log.audit("sign-in", { outcome: "denied", client, reason: error.reason });
  if (error.kind === "configuration") log.error("entra-refuses-us", error);
  const suffix = error.code === undefined ? "" : ` (${error.code})`;
  switch (error.kind) {
    case "declined":
    case "consent-required":
    case "interaction-required":
    case "session-over":
    case "blocked":
      return new AuthorizationError("access_denied", `Microsoft Entra ID said no${suffix}.`, {
        cause: error,
      });
    case "configuration":
      return new AuthorizationError("server_error", `This server is set up wrongly${suffix}.`, {
        cause: error,
      });
    case "transient":
      return new AuthorizationError(
        "temporarily_unavailable",
        `Microsoft Entra ID cannot be reached${suffix}.`,
        { cause: error },
      );
    case "code-redeemed":
      return new PageError(
        400,
        {
          title: "This sign-in was used before",
          message: `Microsoft Entra ID has already taken back its code${suffix}.`,
          whatToDo: "Go back to the app you came from and connect again.",
        },
        { cause: error },
      );
  }
}

/**
 * A fault of ours once the transaction is taken: a reload cannot help any more, so the client is told, which
 * would otherwise wait for ever (RFC 6749 §4.1.2.1).
 */
function answerToFault(error: unknown, { log }: RequestContext): unknown {
  if (error instanceof AuthorizationError || error instanceof PageError) return error;
  log.error("sign-in-broke-off", error);
  const away = error instanceof StorageUnavailable || error instanceof KeysUnavailable;
  return new AuthorizationError(
    away ? "temporarily_unavailable" : "server_error",
    away ? "The server cannot reach its storage right now." : "Something went wrong on the server.",
    { cause: error },
  );
}

function otherBrowser(): PageError {
  return new PageError(400, {
    title: "This sign-in was not started here",
    message:
      "The sign-in was started in another browser, is finished already or too old, or your browser dropped " +
      "the cookie that ties the two together.",
    whatToDo:
      "If your app is connected, close this window. Otherwise connect again from the app, and stay in the " +
      "same browser window. " +
      "If it happens again, allow cookies for this site.",
  });
}

function finished(): PageError {
  return new PageError(400, {
    title: "This sign-in is already finished",
    message: "It was completed before, or it has expired.",
    whatToDo: "If your app is connected, close this window. Otherwise connect again from the app.",
  });
}
