import type { Clock } from "../clock.ts";
import type { Identity } from "../entra/entra.ts";
import type { RequestContext } from "../http/context.ts";
import type { CookiePolicy } from "../http/cookies.ts";
import { deviceCookie } from "../http/device-cookie.ts";
import type { Log } from "../log.ts";
import { type Random, randomId } from "../random.ts";
import type { SessionEnd } from "../sessions/session-end.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import { userKeyOf } from "../sessions/user-key.ts";
import { AuthorizationError } from "./authorization-error.ts";
import type { AuthorizationRequest } from "./authorization-request.ts";
import { redirectToClient } from "./authorization-response.ts";
import type { Codes } from "./codes.ts";
import type { EntraRedirect } from "./entra-redirect.ts";
import { graphScopes } from "./scopes.ts";
import type { ClientTransaction } from "./transactions.ts";

/** A session whose code is never redeemed ends by itself: longer than a code lives, and not by much. */
const UNREDEEMED_SESSION_MS = 120_000;

/** What Entra gave for its code. */
export interface SignedIn {
  readonly identity: Identity;
  readonly tokenCache: string;
}

export type ClientSignIn = (
  transaction: ClientTransaction,
  signedIn: SignedIn,
  callback: Request,
  context: RequestContext,
) => Promise<Response>;

/** The end of a sign-in for a client: a session, and a code of ours that leads to it. */
export function clientSignIn(deps: {
  sessions: Sessions;
  sessionEnd: SessionEnd;
  codes: Codes;
  entraRedirect: EntraRedirect;
  clock: Clock;
  random: Random;
  issuer: string;
  cookies: CookiePolicy;
  requiredRole: string | undefined;
  refreshMaxTtlSeconds: number;
}): ClientSignIn {
  return async ({ request, claims: met }, { identity, tokenCache }, callback, { log }) => {
    const userKey = userKeyOf(identity);
    const subject = { actor: userKey, client: request.clientId };
    if (deps.requiredRole !== undefined && !identity.roles.includes(deps.requiredRole)) {
      log.audit("sign-in", { outcome: "denied", ...subject, reason: "role-missing" });
      throw roleMissing(deps.requiredRole);
    }
    // Only now is it known who this is, and so whether Entra wants more of this sign-in.
    const claims = await settleChallenges(userKey, request.clientId, met, log);
    if (claims !== undefined) {
      const scopes = graphScopes(request.scopes);
      return deps.entraRedirect.send(
        { purpose: "client", request },
        { graphScopes: scopes, claims },
      );
    }
    const device = deviceCookie(callback, deps.random, deps.refreshMaxTtlSeconds, deps.cookies);
    const session = { ...newSession(userKey, identity, request), device: device.id };
    await deps.sessions.create(session, identity, tokenCache);
    log.audit("sign-in", { outcome: "success", ...subject, session: session.id });
    const code = await deps.codes.issue({
      clientId: request.clientId,
      redirectUri: request.redirectUri,
      codeChallenge: request.codeChallenge,
      resource: request.resource,
      userKey,
      sessionId: session.id,
    });
    const response = redirectToClient(request, deps.issuer, { code });
    response.headers.append("Set-Cookie", device.header);
    return response;
  };

  /** Ends the sessions whose challenge is met. @returns A challenge that is still to be met. */
  async function settleChallenges(
    userKey: string,
    clientId: string,
    met: string | undefined,
    log: Log,
  ): Promise<string | undefined> {
    let open: string | undefined;
    for (const { id, claims } of await deps.sessions.challenged(userKey, clientId)) {
      // What is met goes first: two challenges must not send the person back and forth between them.
      if (claims === met) await deps.sessionEnd.end(userKey, id, { reason: "entra", log });
      else open ??= claims;
    }
    return open;
  }

  function newSession(userKey: string, identity: Identity, request: AuthorizationRequest): Session {
    const now = deps.clock.now();
    return {
      id: randomId(deps.random),
      userKey,
      clientId: request.clientId,
      clientName: request.clientName,
      scopes: request.scopes,
      roles: identity.roles,
      resource: request.resource,
      createdAt: now,
      idleUntil: now + UNREDEEMED_SESSION_MS,
      endsAt: now + deps.refreshMaxTtlSeconds * 1000,
    };
  }
}

function roleMissing(role: string): AuthorizationError {
  return new AuthorizationError(
    "access_denied",
    `This server is for people with the role ${role}.`,
  );
}
