import { type Entra, EntraError, type EntraErrorKind } from "../entra/entra.ts";
import { graphScopes } from "../oauth/scopes.ts";
import type { Log } from "../log.ts";
import type { Relay } from "../relay/relay.ts";
import type { BearerCheck } from "./bearer.ts";
import type { SessionEnd } from "./session-end.ts";
import type { Session, Sessions } from "./sessions.ts";

/** What of Entra's errors ends a session: only a new sign-in helps. An outage never does. */
const ENDS_SESSION: ReadonlySet<EntraErrorKind> = new Set([
  "session-over",
  "interaction-required",
  "consent-required",
  "blocked",
]);

/** Entra no longer stands behind the session, and it has been ended. */
export class SignInOver extends Error {
  override name = "SignInOver";
}

/** The sign-in at Entra behind each session. */
export class SignIns {
  readonly #entra: Entra;
  readonly #sessions: Sessions;
  readonly #bearer: BearerCheck;
  readonly #relay: Pick<Relay, "doubtSession">;
  readonly #sessionEnd: SessionEnd;
  readonly #log: Log;
  readonly #requiredRole: string | undefined;

  constructor(deps: {
    entra: Entra;
    sessions: Sessions;
    bearer: BearerCheck;
    relay: Pick<Relay, "doubtSession">;
    sessionEnd: SessionEnd;
    log: Log;
    requiredRole: string | undefined;
  }) {
    this.#entra = deps.entra;
    this.#sessions = deps.sessions;
    this.#bearer = deps.bearer;
    this.#relay = deps.relay;
    this.#sessionEnd = deps.sessionEnd;
    this.#log = deps.log;
    this.#requiredRole = deps.requiredRole;
  }

  /**
   * Asks Entra whether it still stands behind the session.
   *
   * @returns The roles that the person has now.
   * @throws SignInOver where it does not; EntraError where it cannot say.
   */
  async confirm(session: Session): Promise<readonly string[]> {
    const { roles } = await this.#endingSession(session, () =>
      this.#entra.confirm(session.id, graphScopes(session.scopes)),
    );
    if (this.#requiredRole !== undefined && !roles.includes(this.#requiredRole)) {
      await this.#end(session);
      throw new SignInOver(`The person no longer has the role ${this.#requiredRole}.`);
    }
    return roles;
  }

  /**
   * An access token for Microsoft Graph. See {@link Entra.graphToken}.
   *
   * @param beforeEnd Called when the session is about to be ended, and its streams with it.
   * @throws SignInOver, EntraError
   */
  graphToken(
    session: Session,
    scopes: readonly string[],
    options: { renew: boolean },
    beforeEnd: () => void,
  ): Promise<string> {
    return this.#endingSession(
      session,
      () => this.#entra.graphToken(session.id, scopes, options),
      beforeEnd,
    );
  }

  /**
   * Graph wants more than this sign-in can show (continuous access evaluation). The session's tokens are
   * refused from now on, so that its client signs in again, and the claims wait for that sign-in.
   */
  async challenge(session: Session, claims: string): Promise<void> {
    await this.#relay.doubtSession(session.id);
    await this.#sessions.challenge(session.userKey, session.id, claims);
    this.#bearer.forget(session.id);
  }

  async #endingSession<T>(
    session: Session,
    ask: () => Promise<T>,
    beforeEnd?: () => void,
  ): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof EntraError) || !ENDS_SESSION.has(error.kind)) throw error;
      beforeEnd?.();
      await this.#end(session);
      throw new SignInOver(`The sign-in has ended (${error.reason}).`, {
        cause: error,
      });
    }
  }

  async #end(session: Session): Promise<void> {
    const by = { reason: "entra", log: this.#log } as const;
    await this.#sessionEnd.end(session.userKey, session.id, by);
  }
}
