import type { Log } from "../log.ts";
import type { BearerCheck } from "../sessions/bearer.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { StorageUnavailable } from "../storage/store.ts";
import type { Connections } from "./connections.ts";

/** A stream outlives its session by no more than this and the time of one round: 30 seconds together. */
export const STREAM_CHECK_INTERVAL_MS = 20_000;

/** Sessions that are read at the same time. A round of ten thousand takes some seconds. */
const AT_ONCE = 16;

/**
 * Closes the streams of sessions that have ended elsewhere, or by themselves. A stream that only listens
 * would never pass the bearer check again.
 */
export class StreamCheck {
  readonly #connections: Connections;
  readonly #sessions: Sessions;
  readonly #bearer: BearerCheck;
  readonly #log: Log;
  #round: Promise<void> | undefined;

  constructor(deps: {
    connections: Connections;
    sessions: Sessions;
    bearer: BearerCheck;
    log: Log;
  }) {
    this.#connections = deps.connections;
    this.#sessions = deps.sessions;
    this.#bearer = deps.bearer;
    this.#log = deps.log;
  }

  /** One round: a point read for each session that has a stream here. A round under way is joined. */
  run(): Promise<void> {
    this.#round ??= this.#checkAll().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #checkAll(): Promise<void> {
    const waiting = this.#connections.sessions();
    const worker = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        try {
          await this.#check(next.userKey, next.sessionId);
        } catch (error) {
          // While storage is away, nobody has ended: streams stay, and the rest of the round is spared.
          if (error instanceof StorageUnavailable) waiting.length = 0;
          this.#log.error("stream-check-failed", error, { session: next.sessionId });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, waiting.length) }, worker));
  }

  async #check(userKey: string, sessionId: string): Promise<void> {
    const session = await this.#sessions.find(userKey, sessionId);
    // A session whose tokens are refused until the person has signed in again has no use for a stream.
    if (session !== undefined && session.value.claims === undefined) return;
    this.#bearer.forget(sessionId);
    await this.#connections.closeSession(sessionId);
  }
}
