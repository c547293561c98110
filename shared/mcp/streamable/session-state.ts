import type { ClientLogLevel } from "../../features/call.ts";
import type { Watching } from "../../live/watching.ts";
import type { Sender } from "../../relay/sender.ts";
import type { Caller } from "../../sessions/bearer.ts";
import type { Key } from "../../storage/store.ts";
import {
  type ConnectionRow,
  type ConnectionRows,
  type ProtocolState,
  protocolState,
} from "../connection-rows.ts";
import { Turns } from "./turns.ts";

/** The session has been ended by way of another instance. */
class SessionOver extends Error {
  override name = "SessionOver";
}

export interface SessionStateDeps {
  readonly connectionRows: ConnectionRows;
  readonly sender: Sender;
  readonly watching: Watching;
}

/** What the client of a session has told, and what all its instances go by. The row is the truth. */
export class SessionState {
  readonly #deps: SessionStateDeps;
  readonly #key: Key;
  /** Of all that reads or changes the row here. */
  readonly turns = new Turns();
  #state: ProtocolState;

  constructor(deps: SessionStateDeps, key: Key, initial: ProtocolState) {
    this.#deps = deps;
    this.#key = key;
    this.#state = initial;
  }

  /** The parameters of `initialize`. */
  get initialize(): ProtocolState["initialize"] {
    return this.#state.initialize;
  }

  get subscriptions(): readonly string[] {
    return this.#state.subscriptions;
  }

  get logLevel(): ClientLogLevel | undefined {
    return this.#state.logLevel;
  }

  /**
   * Keeps what the client has told this instance, and tells the others.
   *
   * @throws StorageUnavailable; StateTooLarge; SessionOver
   */
  async tell({ session }: Caller, change: (state: ProtocolState) => ProtocolState): Promise<void> {
    // Of the row: another instance may have been told what this one has not heard yet.
    let before: readonly string[] = [];
    const after = await this.turns.take(async () => {
      const state = await this.#deps.connectionRows.changeState(this.#key, (told) => {
        before = told.subscriptions;
        return change(told);
      });
      if (state === undefined) throw new SessionOver("The session has ended.");
      this.#state = state;
      return state.subscriptions;
    });
    const { row: connection } = this.#key;
    await this.#deps.sender.broadcast({ kind: "connection-changed", connection });
    await this.#deps.watching.subscriptionsChanged(session, before, after);
  }

  /**
   * Reads again what another instance may have been told.
   *
   * @param changed Gets the row, before anything else is done with it; undefined where it is gone.
   */
  async refresh(changed: (row: ConnectionRow | undefined) => void): Promise<void> {
    await this.turns.take(async () => {
      const row = await this.#deps.connectionRows.find(this.#key);
      if (row !== undefined) this.#state = protocolState(row);
      changed(row);
    });
  }
}
