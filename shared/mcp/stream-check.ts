import type { Clock } from "../clock.ts";
import { sha256 } from "../digest.ts";
import type { Log } from "../log.ts";
import type { BearerCheck } from "../sessions/bearer.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { StorageUnavailable } from "../storage/store.ts";
import type { Connections, StreamingSession } from "./connections.ts";

/** A stream outlives its session by no more than this and the time of one round: 30 seconds together. */
export const STREAM_CHECK_INTERVAL_MS = 20_000;

/** A session that gives no cause is read once in so many rounds: five minutes. */
const ROUNDS_BETWEEN = 15;

/** A session is doubted before it is ended, and read in so many rounds: one of them comes after its end. */
const DOUBTED_ROUNDS = 2;

/** Sessions that are read at the same time. */
const AT_ONCE = 16;

/**
 * Closes the streams of sessions that have ended elsewhere, or by themselves. A stream that only listens
 * would never pass the bearer check again.
 *
 * A round reads the sessions that give cause: new here, doubted by whoever is about to end them, or past the
 * time to which they were good. Those that nobody has ended through this server (an operator has deleted a
 * row) are found when their turn comes.
 */
export class StreamCheck {
  readonly #connections: Connections;
  readonly #sessions: Pick<Sessions, "find">;
  readonly #bearer: Pick<BearerCheck, "forget">;
  readonly #log: Log;
  readonly #clock: Clock;
  /** Sessions that have been doubted, and in how many rounds they are still to be read. */
  readonly #doubted = new Map<string, number>();
  /** Sessions that were here in the round before. */
  #known: ReadonlySet<string> = new Set();
  #rounds = 0;
  #round: Promise<void> | undefined;

  constructor(deps: {
    connections: Connections;
    sessions: Pick<Sessions, "find">;
    bearer: Pick<BearerCheck, "forget">;
    clock: Clock;
    log: Log;
  }) {
    this.#clock = deps.clock;
    this.#connections = deps.connections;
    this.#sessions = deps.sessions;
    this.#bearer = deps.bearer;
    this.#log = deps.log;
  }

  /** A session may be about to end: the next rounds read it, and so does its next call. */
  doubt(sessionId: string): void {
    this.#bearer.forget(sessionId);
    this.#doubted.set(sessionId, DOUBTED_ROUNDS);
  }

  /** One round. A round under way is joined. */
  run(): Promise<void> {
    this.#round ??= this.#checkDue().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #checkDue(): Promise<void> {
    const sessions = this.#connections.sessions();
    const known = this.#known;
    const isDue = ({ sessionId, goodUntil }: StreamingSession) =>
      !known.has(sessionId) ||
      this.#doubted.has(sessionId) ||
      goodUntil <= this.#clock.now() ||
      turnOf(sessionId) === this.#rounds % ROUNDS_BETWEEN;
    const complete = await this.#check(sessions.filter(isDue));
    this.#rounds += 1;
    // What an outage has kept from being read, or from being told, is read when it is over.
    this.#known = new Set(complete ? sessions.map(({ sessionId }) => sessionId) : []);
    for (const [sessionId, left] of complete ? this.#doubted : []) {
      if (left > 1) this.#doubted.set(sessionId, left - 1);
      else this.#doubted.delete(sessionId);
    }
  }

  /** @returns Whether storage was there for all of it. */
  async #check(due: readonly StreamingSession[]): Promise<boolean> {
    const waiting = [...due];
    let complete = true;
    const worker = async () => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        try {
          await this.#checkOne(next.userKey, next.sessionId);
        } catch (error) {
          // While storage is away, nobody has ended: streams stay, and the rest of the round is spared.
          if (error instanceof StorageUnavailable) {
            complete = false;
            waiting.length = 0;
          }
          this.#log.error("stream-check-failed", error, { session: next.sessionId });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, waiting.length) }, worker));
    return complete;
  }

  async #checkOne(userKey: string, sessionId: string): Promise<void> {
    const session = await this.#sessions.find(userKey, sessionId);
    // A session whose tokens are refused until the person has signed in again has no use for a stream.
    if (session !== undefined && session.value.claims === undefined) return;
    this.#bearer.forget(sessionId);
    await this.#connections.closeSession(sessionId);
  }
}

/** @returns The round in which it is a session's turn: as many in each, and always the same for one. */
function turnOf(sessionId: string): number {
  return Buffer.from(sha256(sessionId), "base64url").readUInt32BE() % ROUNDS_BETWEEN;
}
