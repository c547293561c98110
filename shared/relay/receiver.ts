import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Announcer } from "../mcp/announcer.ts";
import type { ConnectionRow } from "../mcp/connection-rows.ts";
import { belongsTo, type Connection, type Connections } from "../mcp/connections.ts";
import { isCancellation } from "../mcp/json-rpc.ts";
import type { StreamCheck } from "../mcp/stream-check.ts";
import type { BearerCheck, Caller } from "../sessions/bearer.ts";
import type { Envelope } from "./envelope.ts";
import type { Inbox } from "./inbox.ts";
import type { PollPace } from "./poll-pace.ts";

/** A message that may arrive by two ways is taken by the first: ids are remembered for ten minutes. */
const SEEN_MS = 600_000;
const SEEN_REMEMBERED = 100_000;

/** Does what other instances have sent to this one, or to one that is gone; each message once. */
export class Receiver {
  readonly #connections: Connections;
  readonly #announcer: Announcer;
  readonly #inbox: Inbox;
  readonly #pace: PollPace;
  readonly #bearer: BearerCheck;
  readonly #streamCheck: StreamCheck;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #seen = new LRUCache<string, true>({ max: SEEN_REMEMBERED, ttl: SEEN_MS });

  constructor(deps: {
    connections: Connections;
    announcer: Announcer;
    inbox: Inbox;
    pace: PollPace;
    bearer: BearerCheck;
    streamCheck: StreamCheck;
    clock: Clock;
    log: Log;
  }) {
    this.#connections = deps.connections;
    this.#announcer = deps.announcer;
    this.#inbox = deps.inbox;
    this.#pace = deps.pace;
    this.#bearer = deps.bearer;
    this.#streamCheck = deps.streamCheck;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /**
   * Takes over what was accepted for a connection whose instance is gone, and runs it on the one that has
   * followed it: it has not run, for that instance has lost its lease.
   *
   * @throws StorageUnavailable
   */
  async takeOver(gone: ConnectionRow, successor: Connection): Promise<void> {
    const waiting = await this.#inbox.waiting(gone.value.instance);
    for (const message of waiting) {
      if (message.connection !== gone.key.row || message.takeOver === "forbidden") continue;
      if (this.#seen.has(message.id)) continue;
      // Read before it is claimed: what an outage interrupts is there to be taken over again.
      const envelope = await this.#inbox.open(message);
      if (envelope === undefined) continue;
      if (this.#connections.get(successor.id) !== successor) return;
      if (!(await this.#inbox.claim(message, successor.id))) continue;
      this.#seen.set(message.id, true);
      if (envelope.kind === "message") successor.receive(envelope.message, envelope.caller);
      await this.#inbox.remove(message);
    }
  }

  /** Takes a message that another instance has sent, by whichever way. */
  async receive(id: string, envelope: Envelope): Promise<void> {
    if (this.#seen.has(id)) return;
    this.#seen.set(id, true);
    this.#pace.relayed(this.#clock.now());
    try {
      await this.#handOn(envelope);
    } catch (error) {
      // One that fails must not keep the others.
      this.#log.error("relayed-message-failed", error, { message: id, kind: envelope.kind });
    }
  }

  async #handOn(envelope: Envelope): Promise<void> {
    switch (envelope.kind) {
      case "message": {
        const connection = await this.#connectionOf(envelope.connection, envelope.caller);
        if (connection === undefined) {
          // The word that a call is cancelled goes to all instances, of which one at most has it.
          if (isCancellation(envelope.message)) return;
          this.#log.warn("relayed-message-too-late", { connection: envelope.connection });
          return;
        }
        connection.receive(envelope.message, envelope.caller);
        return;
      }
      case "change":
        this.#announcer.announce(envelope.userKey, envelope.change);
        return;
      case "feed":
        this.#announcer.announceFeed(envelope);
        return;
      case "session-doubted":
        this.#streamCheck.doubt(envelope.sessionId);
        return;
      case "session-ended":
        this.#bearer.forget(envelope.sessionId);
        await this.#connections.closeSession(envelope.sessionId);
        return;
      case "connection-ended":
        await this.#connections.find(envelope.connection)?.close("client");
        return;
      case "connection-changed":
        await this.#connections.find(envelope.connection)?.refresh();
        return;
      case "stream-resumed":
        await this.#connections.get(envelope.connection)?.handOver(envelope.stream);
        return;
      case "answers-waiting":
        // Not awaited: it waits for its client's first word, and nothing else that arrives has to.
        this.#connections
          .get(envelope.connection)
          ?.takeAnswersOf(envelope.from)
          .catch((error: unknown) => {
            const { connection } = envelope;
            this.#log.error("connection-not-recovered", error, { connection });
          });
        return;
    }
  }

  /** @returns The connection, if it is the caller's. */
  async #connectionOf(id: string, caller: Caller): Promise<Connection | undefined> {
    const connection = this.#connections.get(id);
    if (connection === undefined || belongsTo(connection, caller)) return connection;
    // Its client may have signed in again, and the word of that be still on its way.
    await connection.refresh();
    const refreshed = this.#connections.get(id);
    return refreshed !== undefined && belongsTo(refreshed, caller) ? refreshed : undefined;
  }
}
