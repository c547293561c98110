import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Sender } from "../relay/sender.ts";
import type { Expiries } from "../storage/expiries.ts";
import type { ConnectionRow, ConnectionRows } from "./connection-rows.ts";
import type { Connection, Connections } from "./connections.ts";
import { NEVER, waitOutOutage } from "./outage-patience.ts";
import { KEPT_MS } from "./sse-row.ts";
import { keptOf, type WaitingAnswers } from "./waiting-answers.ts";

export interface LateAnswersDeps {
  readonly connections: Connections;
  readonly connectionRows: ConnectionRows;
  readonly waitingAnswers: WaitingAnswers;
  readonly expiries: Expiries;
  readonly sender: Sender;
  readonly clock: Clock;
}

/** The answers of a connection that come after its stream has ended: they go where the client is now, or wait for it. */
export class LateAnswers {
  readonly #deps: LateAnswersDeps;
  readonly #connection: Pick<Connection, "id" | "userKey" | "sessionId">;
  readonly #log: Log;
  readonly #endWritten: () => Promise<void>;
  #count = 0;
  #forwarded: Promise<void> = Promise.resolve();

  /** @param endWritten Resolves when the others can see that the stream has ended. */
  constructor(
    deps: LateAnswersDeps,
    connection: Pick<Connection, "id" | "userKey" | "sessionId">,
    log: Log,
    endWritten: () => Promise<void>,
  ) {
    this.#deps = deps;
    this.#connection = connection;
    this.#log = log;
    this.#endWritten = endWritten;
  }

  /** Whether there was any. */
  get any(): boolean {
    return this.#count > 0;
  }

  /** Takes an answer, to be forwarded after those before it. */
  add(answer: JSONRPCMessage): void {
    const sequence = (this.#count += 1);
    this.#forwarded = this.#forwarded.then(() => this.#forward(sequence, answer));
  }

  /** Resolves when all that were added so far are on their way. What could not be kept is logged. */
  forwarded(): Promise<void> {
    return this.#forwarded;
  }

  async #forward(sequence: number, answer: JSONRPCMessage): Promise<void> {
    const { clock, expiries, waitingAnswers } = this.#deps;
    const { id } = this.#connection;
    try {
      // Before what it names; the row of the connection may go earlier.
      await waitOutOutage(clock, NEVER, () => expiries.note(keptOf(id), clock.now() + KEPT_MS));
      const sealed = await waitOutOutage(clock, NEVER, () =>
        waitingAnswers.seal(id, sequence, answer),
      );
      await waitOutOutage(clock, NEVER, () => waitingAnswers.keep(sealed));
      await this.#endWritten();
      await waitOutOutage(clock, NEVER, () => this.#tellNext());
    } catch (error) {
      this.#log.error("answer-not-kept", error, { connection: id });
    }
  }

  /** Tells the client's next connection that something waits for it. */
  async #tellNext(): Promise<void> {
    const { connectionRows, connections, sender } = this.#deps;
    const { id, userKey } = this.#connection;
    const rows = await connectionRows.of(userKey);
    const [next, ...more] = rows.filter((row) => this.#isNext(row));
    // Ids of calls are unique in one client only: where several have come back, nobody can tell whose it is.
    if (next === undefined || more.length > 0) return;
    const here = connections.get(next.key.row);
    if (here !== undefined) {
      await here.takeAnswersOf(id);
      return;
    }
    await sender.send(next.value.instance, {
      kind: "answers-waiting",
      connection: next.key.row,
      from: id,
    });
  }

  #isNext({ key, value }: ConnectionRow): boolean {
    return (
      value.kind === "sse" &&
      value.sessionId === this.#connection.sessionId &&
      value.continued &&
      value.endedAt === undefined &&
      key.row !== this.#connection.id
    );
  }
}
