import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { ClientLogLevel } from "../features/call.ts";
import { type Random, randomId } from "../random.ts";
import type { Expiries } from "../storage/expiries.ts";
import { expireRow } from "../storage/expire-row.ts";
import { type Key, RowChanged, type Store } from "../storage/store.ts";
import { type Typed, TypedTable } from "../storage/typed-table.ts";
import { LOG_LEVELS } from "./client-capabilities.ts";

/** What a property of a row holds. */
const MAX_STATE_CHARACTERS = 30_000;

const row = z.object({
  /** `sse`: a stream of HTTP+SSE. `session`: an MCP session of Streamable HTTP. `listen`: `subscriptions/listen`. */
  kind: z.enum(["sse", "session", "listen"]),
  sessionId: z.string(),
  /** The instance that holds its stream; empty while there is none. */
  instance: z.string(),
  /** When its stream ended (ms), while an answer may still come or a client may come back for its state. */
  endedAt: z.number().optional(),
  /** When the row goes at the latest (ms). */
  expiresAt: z.number(),
  /** Whether it goes on for a client that had another connection before: it was not initialized itself. */
  continued: z.boolean(),
  /** The parameters of `initialize`, as the client sent them; JSON. */
  initialize: z.string().optional(),
  /** The log level that the client has set. */
  logLevel: z.enum(LOG_LEVELS).optional(),
  /** The resources that the client has subscribed to; JSON. */
  subscriptions: z.string(),
});
type Value = z.infer<typeof row>;
export type ConnectionRow = Typed<Value>;

/** How many streams are looked at to find the one that a client had before. */
const NEWEST = 20;

const STREAM_PREFIX = "sse-";
/** In base 36, time counts down from here for as long as anybody will care: the newest key is the first. */
const LATEST_MS = 36 ** 9;

/** @returns An id for a stream that nobody can guess, and by which the newest is found first. */
export function newStreamId(clock: Clock, random: Random): string {
  const countdown = (LATEST_MS - clock.now()).toString(36).padStart(9, "0");
  return `${STREAM_PREFIX}${countdown}${randomId(random)}`;
}

/** What a client has told its connection, and does not tell the next one. */
export interface ProtocolState {
  readonly initialize?: Readonly<Record<string, unknown>> | undefined;
  readonly logLevel?: ClientLogLevel | undefined;
  readonly subscriptions: readonly string[];
}

export const NO_STATE: ProtocolState = { subscriptions: [] };

/** The client has told its connection more than is kept. */
export class StateTooLarge extends Error {
  override name = "StateTooLarge";
}

/** The `connections` table: who holds which stream. A person's connections share a partition. */
export class ConnectionRows {
  readonly #table;
  readonly #clock: Clock;
  readonly #expiries: Expiries;

  constructor(deps: { store: Store; clock: Clock; expiries: Expiries }) {
    this.#table = new TypedTable(deps.store, "connections", row);
    this.#clock = deps.clock;
    this.#expiries = deps.expiries;
  }

  /**
   * Lists a connection. The note of its end comes first, so that no row is left behind.
   *
   * @throws StorageUnavailable; StateTooLarge
   */
  async open(
    key: Key,
    { state, ...value }: Omit<Value, keyof ProtocolState> & { state: ProtocolState },
  ): Promise<void> {
    await this.#expiries.note({ table: "connections", key }, value.expiresAt);
    // The key is new and nobody guesses it: put, so that a retry whose first answer was lost succeeds.
    await this.#table.put(key, { ...value, ...toColumns(state) });
  }

  /** @returns The row of a connection. */
  find(key: Key): Promise<ConnectionRow | undefined> {
    return this.#table.get(key);
  }

  /** Every connection of a person, those that have just ended included. */
  of(userKey: string): Promise<ConnectionRow[]> {
    return Array.fromAsync(this.#table.list(userKey));
  }

  /** The newest streams of HTTP+SSE of a person, those that have just ended included; a few. */
  newestStreams(userKey: string): Promise<ConnectionRow[]> {
    return Array.fromAsync(this.#table.list(userKey, { prefix: STREAM_PREFIX, max: NEWEST }));
  }

  /**
   * Changes a row, whatever else changes in it meanwhile.
   *
   * @param change Gets the row as it is, and returns what is different; undefined for nothing.
   * @returns The row as it was before the change, or undefined where there is none.
   * @throws StorageUnavailable; StateTooLarge
   */
  async update(
    key: Key,
    change: (value: Value) => Partial<Value> | undefined,
  ): Promise<ConnectionRow | undefined> {
    for (;;) {
      const found = await this.#table.get(key);
      if (found === undefined) return undefined;
      const changed = change(found.value);
      if (changed === undefined) return found;
      try {
        await this.#table.replace(found, { ...found.value, ...changed });
        return found;
      } catch (error) {
        if (!(error instanceof RowChanged)) throw error;
      }
    }
  }

  /**
   * Changes what is kept of the client's words, whatever another instance changes meanwhile.
   *
   * @returns What is kept now, or undefined where there is no row.
   * @throws StorageUnavailable; StateTooLarge
   */
  async changeState(
    key: Key,
    change: (state: ProtocolState) => ProtocolState,
  ): Promise<ProtocolState | undefined> {
    let changed: ProtocolState | undefined;
    await this.update(key, (value) => {
      changed = change(protocolState({ value }));
      return toColumns(changed);
    });
    return changed;
  }

  /** Keeps what the client has told the connection. See {@link update}. */
  async keep(key: Key, state: ProtocolState, changes: Partial<Value> = {}): Promise<void> {
    const columns = { ...toColumns(state), ...changes };
    await this.update(key, () => columns);
  }

  /** Lets the row go at another time (ms) than it was opened for. See {@link update}. */
  async expireAt(key: Key, expiresAt: number, changes: Partial<Value> = {}): Promise<void> {
    await this.#expiries.note({ table: "connections", key }, expiresAt);
    await this.update(key, () => ({ ...changes, expiresAt }));
  }

  /** Forgets a connection. Nothing of it is left. @returns Whether there was one. */
  async close(key: Key): Promise<boolean> {
    const found = await this.#table.get(key);
    if (found === undefined) return false;
    const existed = await this.#table.delete(key);
    await this.#expiries.forgetNote({ table: "connections", key }, found.value.expiresAt);
    return existed;
  }

  /**
   * Removes a row whose time is over.
   *
   * @returns When it will be (ms), where it is not yet.
   */
  expire(key: Key): Promise<number | undefined> {
    return expireRow(this.#table, key, this.#clock, ({ value }) => value.expiresAt);
  }
}

/** @returns What a row has kept of the client's words. */
export function protocolState({ value }: Pick<ConnectionRow, "value">): ProtocolState {
  return {
    subscriptions: z.array(z.string()).parse(JSON.parse(value.subscriptions)),
    ...(value.logLevel !== undefined && { logLevel: value.logLevel }),
    ...(value.initialize !== undefined && {
      initialize: z.record(z.string(), z.unknown()).parse(JSON.parse(value.initialize)),
    }),
  };
}

function toColumns({ initialize, logLevel, subscriptions }: ProtocolState) {
  const columns = {
    initialize: initialize && JSON.stringify(initialize),
    logLevel,
    subscriptions: JSON.stringify(subscriptions),
  };
  for (const text of [columns.initialize ?? "", columns.subscriptions]) {
    if (text.length > MAX_STATE_CHARACTERS) throw new StateTooLarge("The client tells too much.");
  }
  return columns;
}
