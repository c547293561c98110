import type { CallSessions } from "../features/call.ts";
import { requireRole } from "../features/feature-errors.ts";
import type { Log } from "../log.ts";
import type { SessionEnd } from "./session-end.ts";
import type { ListedSession, Session, Sessions } from "./sessions.ts";

/** The app role that reaches other people's sessions. */
const ADMIN_ROLE = "Mcp.Admin";

/** Sessions, as far as the person of `caller` may reach them. */
export class CallerSessions implements CallSessions {
  readonly #sessions: Sessions;
  readonly #sessionEnd: SessionEnd;
  readonly #log: Log;
  readonly #caller: Session;
  readonly #beforeOwnEnds: () => void;

  /** @param beforeOwnEnds Called when the caller's own session is about to end, and its streams with it. */
  constructor(
    deps: { sessions: Sessions; sessionEnd: SessionEnd; log: Log },
    caller: Session,
    beforeOwnEnds: () => void,
  ) {
    this.#sessions = deps.sessions;
    this.#sessionEnd = deps.sessionEnd;
    this.#log = deps.log;
    this.#caller = caller;
    this.#beforeOwnEnds = beforeOwnEnds;
  }

  async list(userKey: string): Promise<readonly ListedSession[]> {
    this.#requireReach(userKey);
    return this.#sessions.list(userKey);
  }

  async end(userKey: string, sessionId: string): Promise<boolean> {
    this.#requireReach(userKey);
    if (sessionId === this.#caller.id) this.#beforeOwnEnds();
    const actor = this.#caller.userKey;
    return this.#sessionEnd.endOf(userKey, sessionId, { reason: "tool", actor, log: this.#log });
  }

  #requireReach(userKey: string): void {
    if (userKey !== this.#caller.userKey) requireRole(ADMIN_ROLE, this.#caller);
  }
}
