import type { Clock } from "../clock.ts";
import type { Watching } from "../live/watching.ts";
import type { Log } from "../log.ts";
import type { ConnectionRows, ProtocolState } from "./connection-rows.ts";
import type { Connection } from "./connections.ts";
import { NEVER, waitOutOutage } from "./outage-patience.ts";
import type { Told } from "./sse-server.ts";

/** How long what a client has told its connection is kept for its next one, and answers wait for it. */
export const KEPT_MS = 10 * 60_000;

export interface SseRowDeps {
  readonly connectionRows: ConnectionRows;
  readonly watching: Watching;
  readonly clock: Clock;
}

/**
 * What a connection of HTTP+SSE writes into its row, which nobody else changes: what its client has told, also for
 * the client's next connection, and that its stream has ended.
 */
export class SseRow {
  readonly #deps: SseRowDeps;
  readonly #connection: Pick<Connection, "id" | "userKey" | "session">;
  readonly #log: Log;
  #state: ProtocolState;
  #stateKept: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;

  /** @param state What the client has told its connection before this one. */
  constructor(
    deps: SseRowDeps,
    connection: Pick<Connection, "id" | "userKey" | "session">,
    log: Log,
    state: ProtocolState,
  ) {
    this.#deps = deps;
    this.#connection = connection;
    this.#log = log;
    this.#state = state;
  }

  get state(): ProtocolState {
    return this.#state;
  }

  /**
   * Keeps what the client has told.
   *
   * @throws StorageUnavailable; StateTooLarge
   */
  async told(news: Told): Promise<void> {
    const { subscriptions: before } = this.#state;
    await this.#keep({ ...this.#state, ...news });
    await this.#watch(before, news.subscriptions);
  }

  /** The client begins: nothing of what it told before counts any more. */
  async startAnew(initialize: Readonly<Record<string, unknown>>): Promise<void> {
    const { subscriptions } = this.#state;
    try {
      await this.#keep({ initialize, subscriptions: [] }, { continued: false });
    } catch {
      // What cannot be kept is missed only by a client that comes back: no reason to refuse it now.
    }
    await this.#watch(subscriptions, []);
  }

  /** Says that the stream has ended, at the time when this is first called. Resolves when it is written. */
  markEnded(): Promise<void> {
    this.#ended ??= this.#writeEnd();
    return this.#ended;
  }

  /** Resolves when the end of the stream is written, where it has ended. */
  async endWritten(): Promise<void> {
    await this.#ended;
  }

  /**
   * Nothing of the connection is left, unless a client may come back for it.
   *
   * @param owesAnswers Whether answers wait that its client has not had.
   */
  async forget(owesAnswers: () => boolean): Promise<void> {
    const { clock, connectionRows } = this.#deps;
    await this.#ended;
    await this.#stateKept;
    const { subscriptions } = this.#state;
    const kept = this.#ended !== undefined && subscriptions.length > 0;
    await this.#write(async () => {
      if (kept || owesAnswers()) {
        await connectionRows.expireAt(this.#key, clock.now() + KEPT_MS);
      } else {
        await connectionRows.close(this.#key);
      }
    });
    await this.#watch(subscriptions, []);
  }

  /** One after the other, so that the row ends with what the client said last. */
  #keep(state: ProtocolState, changes: { continued?: boolean } = {}): Promise<void> {
    this.#state = state;
    const { connectionRows } = this.#deps;
    const keep = this.#stateKept.then(() => connectionRows.keep(this.#key, state, changes));
    this.#stateKept = keep.catch((error: unknown) => {
      this.#log.error("connection-state-not-kept", error, { connection: this.#connection.id });
    });
    return keep;
  }

  async #writeEnd(): Promise<void> {
    const endedAt = this.#deps.clock.now();
    await this.#write(() => this.#deps.connectionRows.update(this.#key, () => ({ endedAt })));
  }

  async #write(write: () => Promise<unknown>): Promise<void> {
    try {
      // A row that says that its stream goes on would be taken for another client of the session.
      await waitOutOutage(this.#deps.clock, NEVER, write);
    } catch (error) {
      // It goes by its expiry.
      this.#log.error("connection-row-not-written", error, { connection: this.#connection.id });
    }
  }

  async #watch(before: readonly string[], after: readonly string[]): Promise<void> {
    await this.#deps.watching.subscriptionsChanged(this.#connection.session, before, after);
  }

  get #key() {
    return { partition: this.#connection.userKey, row: this.#connection.id };
  }
}
