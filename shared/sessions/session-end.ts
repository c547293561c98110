import type { Log } from "../log.ts";
import type { Watching } from "../live/watching.ts";
import type { Relay } from "../relay/relay.ts";
import type { BearerCheck } from "./bearer.ts";
import type { Sessions } from "./sessions.ts";

/** Why a session was ended by somebody, and did not just run out. */
export type EndReason =
  "revoked" | "account-page" | "tool" | "code-replayed" | "refresh-token-reused" | "entra";

/** Who ends a session, and why. */
export interface EndedBy {
  readonly reason: EndReason;
  readonly log: Log;
  /** The person who does it; the session's own where it is left out. */
  readonly actor?: string;
}

/**
 * The one way in which a session is ended: its tokens and its Entra tokens are gone, and its streams close
 * at once, here and wherever the relay reaches. At the latest they do within 30 seconds, for every instance
 * has been told before to look at the session (`StreamCheck`), and refuses its calls by then (`BearerCheck`).
 */
export class SessionEnd {
  readonly #sessions: Sessions;
  readonly #bearer: BearerCheck;
  readonly #relay: Relay;
  readonly #watching: Pick<Watching, "sessionEnds">;

  constructor(deps: {
    sessions: Sessions;
    bearer: BearerCheck;
    relay: Relay;
    watching: Pick<Watching, "sessionEnds">;
  }) {
    this.#watching = deps.watching;
    this.#sessions = deps.sessions;
    this.#bearer = deps.bearer;
    this.#relay = deps.relay;
  }

  /**
   * Ends a session whose id somebody has given, if it is one of this person's. Vault and streams are found
   * by the id alone, so an id that is somebody else's must get no further than here.
   *
   * @returns Whether there was one.
   * @throws StorageUnavailable
   */
  async endOf(userKey: string, sessionId: string, by: EndedBy): Promise<boolean> {
    if ((await this.#sessions.find(userKey, sessionId)) === undefined) return false;
    return this.end(userKey, sessionId, by);
  }

  /**
   * Ends a session that is known to be this person's, from a token or a row of ours. Ending it twice is
   * fine. Where storage fails half-way, streams close all the same, and the caller has to try again.
   *
   * @returns Whether there was one.
   * @throws StorageUnavailable
   */
  async end(userKey: string, sessionId: string, by: EndedBy): Promise<boolean> {
    const { reason, log, actor = userKey } = by;
    const act = { actor, session: sessionId, reason, ...(actor !== userKey && { owner: userKey }) };
    try {
      // While there is a token to end them with.
      await this.#watching.sessionEnds(userKey, sessionId, { signedIn: reason !== "entra" });
      // Said before it is done: if this instance is gone in the middle, the others look for themselves.
      await this.#relay.doubtSession(sessionId);
      const existed = await this.#sessions.end(userKey, sessionId);
      if (existed) log.audit("session-ended", { outcome: "success", ...act });
      return existed;
    } catch (error) {
      log.audit("session-ended", { outcome: "failure", ...act });
      throw error;
    } finally {
      this.#bearer.forget(sessionId);
      await this.#closeStreams(sessionId, log);
    }
  }

  /** Streams that the relay does not reach are found without it. */
  async #closeStreams(sessionId: string, log: Log): Promise<void> {
    try {
      await this.#relay.endSession(sessionId);
    } catch (error) {
      log.error("session-end-not-relayed", error, { session: sessionId });
    }
  }
}
