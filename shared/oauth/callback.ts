import type { Clock } from "../clock.ts";
import { type Entra, EntraError, type Identity } from "../entra/entra.ts";
import type { Handler } from "../http/context.ts";
import type { CookiePolicy } from "../http/cookies.ts";
import { deviceCookie } from "../http/device-cookie.ts";
import { PageError } from "../http/errors.ts";
import type { Log } from "../log.ts";
import { type Random, randomId } from "../random.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import { userKeyOf } from "../sessions/user-key.ts";
import type { AccountSignIn } from "./account-sign-in.ts";
import { AuthorizationError } from "./authorization-error.ts";
import { answeringClient, redirectToClient } from "./authorization-response.ts";
import type { BrowserBinding } from "./browser-binding.ts";
import type { Codes } from "./codes.ts";
import { entraCode } from "./entra-code.ts";
import { graphScopes } from "./scopes.ts";
import type { ClientTransaction, Transaction, Transactions } from "./transactions.ts";

/** A session whose code is never redeemed ends by itself: longer than a code lives, and not by much. */
const UNREDEEMED_SESSION_MS = 120_000;

/**
 * `GET /callback`: the person comes back from Entra. Ends with a code of ours for the client, or on the
 * account page: whichever the sign-in was begun for.
 */
export function callbackHandler(deps: {
  transactions: Transactions;
  binding: BrowserBinding;
  entra: Entra;
  sessions: Sessions;
  codes: Codes;
  accountSignIn: AccountSignIn;
  cookies: CookiePolicy;
  clock: Clock;
  random: Random;
  issuer: string;
  refreshMaxTtlSeconds: number;
}): Handler {
  return async (request, { log }) => {
    const state = new URL(request.url).searchParams.get("state") ?? "";
    // First the browser, then the transaction: a link opened elsewhere must not use it up.
    if (!(await deps.binding.isBound(request, state))) throw otherBrowser();
    const transaction = await deps.transactions.take(state);
    if (transaction === undefined) throw finished();
    const response = await finish(request, transaction, log);
    response.headers.append("Set-Cookie", deps.binding.release(state));
    return response;
  };

  function finish(request: Request, transaction: Transaction, log: Log): Promise<Response> {
    const parameters = new URL(request.url).searchParams;
    switch (transaction.purpose) {
      case "client":
        return signInForClient(request, parameters, transaction, log);
      case "account":
        return deps.accountSignIn.finish(parameters, transaction, log);
    }
  }

  async function signInForClient(
    request: Request,
    parameters: URLSearchParams,
    transaction: ClientTransaction,
    log: Log,
  ): Promise<Response> {
    const device = deviceCookie(request, deps.random, deps.refreshMaxTtlSeconds, deps.cookies);
    const response = await answeringClient(transaction.request, deps.issuer, async () => {
      try {
        const session = await signIn(parameters, transaction, device.id);
        log.audit("sign-in", {
          outcome: "success",
          actor: session.userKey,
          session: session.id,
          client: session.clientId,
        });
        return await sendCode(transaction, session);
      } catch (error) {
        if (!(error instanceof EntraError)) throw error;
        const client = transaction.request.clientId;
        log.audit("sign-in", { outcome: "denied", client, reason: error.code ?? error.kind });
        if (error.kind === "configuration") log.error("entra-refuses-us", error);
        throw answerTo(error);
      }
    });
    response.headers.append("Set-Cookie", device.header);
    return response;
  }

  async function signIn(
    parameters: URLSearchParams,
    { request, codeVerifier, nonce }: ClientTransaction,
    device: string,
  ): Promise<Session> {
    const { identity, tokenCache } = await deps.entra.redeemCode({
      code: entraCode(parameters),
      codeVerifier,
      nonce,
      graphScopes: graphScopes(request.scopes),
    });
    const session = newSession(identity, request, device);
    await deps.sessions.create(session, identity, tokenCache);
    return session;
  }

  function newSession(
    identity: Identity,
    request: ClientTransaction["request"],
    device: string,
  ): Session {
    const now = deps.clock.now();
    return {
      id: randomId(deps.random),
      userKey: userKeyOf(identity),
      clientId: request.clientId,
      clientName: request.clientName,
      scopes: request.scopes,
      roles: identity.roles,
      resource: request.resource,
      createdAt: now,
      idleUntil: now + UNREDEEMED_SESSION_MS,
      endsAt: now + deps.refreshMaxTtlSeconds * 1000,
      device,
    };
  }

  async function sendCode({ request }: ClientTransaction, session: Session): Promise<Response> {
    const code = await deps.codes.issue({
      clientId: request.clientId,
      redirectUri: request.redirectUri,
      codeChallenge: request.codeChallenge,
      resource: request.resource,
      userKey: session.userKey,
      sessionId: session.id,
    });
    return redirectToClient(request, deps.issuer, { code });
  }
}

/** What the client is told, or, where the client can do nothing with it, the person. */
function answerTo(error: EntraError): AuthorizationError | PageError {
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

function otherBrowser(): PageError {
  return new PageError(400, {
    title: "This sign-in was not started here",
    message:
      "The sign-in was started in another browser or too long ago, or your browser dropped the cookie " +
      "that ties the two together.",
    whatToDo:
      "Go back to the app you came from and connect again, and stay in the same browser window. " +
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
