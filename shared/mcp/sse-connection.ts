import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Clock } from "../clock.ts";
import type { Change } from "../features/call.ts";
import type { Log } from "../log.ts";
import type { Random } from "../random.ts";
import type { Watching } from "../live/watching.ts";
import type { Relay } from "../relay/relay.ts";
import type { Caller } from "../sessions/bearer.ts";
import type { Session } from "../sessions/sessions.ts";
import type { ConnectionRow, ConnectionRows, ProtocolState } from "./connection-rows.ts";
import type { Connection, ConnectionEnd, Connections } from "./connections.ts";
import type { EventStreamBody } from "./event-stream-body.ts";
import { retryAfter } from "./stream-lifetime.ts";
import type { Told } from "./server.ts";
import { unfinished } from "./instance-gone.ts";
import type { SseTransport } from "./sse-transport.ts";
import type { WaitingAnswers } from "./waiting-answers.ts";

/** How long a connection takes messages and finishes calls after its stream has ended. */
const LINGER_MS = 10_000;

/** How long what a client has told its connection is kept for its next one, and answers wait for it. */
const KEPT_MS = 10 * 60_000;

/** What a call in progress gets when the instance goes. */
const GRACE_MS = 500;

/** A client that starts says so within this time; one that comes back may wait in silence. */
const FIRST_WORD_MS = 1_000;

export interface SseConnectionDeps {
  readonly connections: Connections;
  readonly connectionRows: ConnectionRows;
  readonly waitingAnswers: WaitingAnswers;
  readonly relay: Relay;
  readonly watching: Watching;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a connection is put together from. */
export interface SseConnectionParts {
  readonly id: string;
  readonly session: Session;
  readonly server: Server;
  readonly transport: SseTransport;
  readonly body: EventStreamBody;
  readonly announce: (change: Change) => Promise<void>;
  readonly log: Log;
}

/**
 * A connection of HTTP+SSE at this instance: its stream, the protocol server behind it, and its row. When
 * the stream ends, the connection stays for ten seconds: calls go on, and their answers follow the client to
 * the next connection of its session.
 */
export class SseConnection implements Connection {
  readonly id: string;
  readonly userKey: string;
  readonly sessionId: string;
  /** The session as the last message found it: roles change with a refresh, and a stream lives longer than that. */
  session: Session;
  readonly #deps: SseConnectionDeps;
  readonly #parts: SseConnectionParts;
  #state: ProtocolState;
  #stateKept: Promise<void> = Promise.resolve();
  #undelivered = 0;
  #ended: Promise<void> | undefined;
  #closed = false;
  readonly #continued = Promise.withResolvers<boolean>();

  /**
   * @param state What the client has told its connection before this one.
   */
  constructor(deps: SseConnectionDeps, parts: SseConnectionParts, state: ProtocolState) {
    this.id = parts.id;
    this.userKey = parts.session.userKey;
    this.sessionId = parts.session.id;
    this.session = parts.session;
    this.#deps = deps;
    this.#parts = parts;
    this.#state = state;
  }

  receive(message: JSONRPCMessage, { session, scopes }: Caller): void {
    this.session = session;
    const starts = "method" in message && message.method === "initialize";
    this.#continued.resolve(!starts);
    if (starts) {
      const state = { initialize: message.params ?? {}, subscriptions: [] };
      // What cannot be kept is missed only by a client that comes back: no reason to refuse it now.
      this.#keep(state, { continued: false }).catch(() => undefined);
    }
    // The token itself stays behind: features act by the session.
    const authInfo = { token: "", clientId: session.clientId, scopes: [...scopes] };
    this.#parts.transport.receive(message, { authInfo });
  }

  get streaming(): boolean {
    return this.#parts.body.open;
  }

  /**
   * Whether the client goes on from an earlier connection: one that starts says `initialize` before anything
   * else, and has calls of its own under the same ids.
   */
  async isContinued(): Promise<boolean> {
    const silent = this.#deps.clock.sleep(FIRST_WORD_MS).then(() => true);
    return Promise.race([this.#continued.promise, silent]);
  }

  wants(uri: string): boolean {
    return this.#state.subscriptions.includes(uri);
  }

  announce(change: Change): Promise<void> {
    return this.#parts.announce(change);
  }

  /** A client that has come back reads again what it is subscribed to: nobody knows what it has missed. */
  async announceMissed(): Promise<void> {
    if (this.#state.subscriptions.length === 0 || !(await this.isContinued())) return;
    for (const uri of this.#state.subscriptions) {
      // A stream that has ended again has nobody to tell.
      await this.announce({ kind: "resource-updated", uri }).catch(() => undefined);
    }
  }

  /** Only this instance changes the row. */
  async refresh(): Promise<void> {}

  /**
   * Keeps what the client has told, also for its next connection.
   *
   * @throws StorageUnavailable; StateTooLarge
   */
  async told(news: Told): Promise<void> {
    const { subscriptions: before } = this.#state;
    await this.#keep({ ...this.#state, ...news });
    await this.#deps.watching.subscriptionsChanged(this.session, before, news.subscriptions);
  }

  /** A stream of HTTP+SSE cannot be resumed. */
  async handOver(): Promise<boolean> {
    return false;
  }

  async takeAnswersOf(earlierId: string): Promise<void> {
    for await (const answer of this.#deps.waitingAnswers.take(earlierId)) {
      await this.#parts.transport.send(answer);
    }
  }

  /** An answer came after the stream had ended: it goes where the client is now, or waits for it. */
  async undelivered(answer: JSONRPCMessage): Promise<void> {
    if (this.#closed) return;
    const { connectionRows, connections, relay, waitingAnswers } = this.#deps;
    try {
      this.#undelivered += 1;
      await waitingAnswers.keep(this.id, this.#undelivered, answer);
      await this.#ended;
      const rows = await connectionRows.of(this.userKey);
      const [next, ...more] = rows.filter((row) => this.#isNext(row));
      // Ids of calls are unique in one client only: where several have come back, nobody can tell whose it is.
      if (next === undefined || more.length > 0) return;
      const here = connections.get(next.key.row);
      if (here !== undefined) await here.takeAnswersOf(this.id);
      else {
        const { row: connection } = next.key;
        await relay.send(next.value.instance, {
          kind: "answers-waiting",
          connection,
          from: this.id,
        });
      }
    } catch (error) {
      this.#parts.log.error("answer-not-kept", error, { connection: this.id });
    }
  }

  /** The stream has ended. Whoever ended it, the connection lingers. */
  streamEnded(): void {
    if (this.#closed) return;
    this.#ended ??= this.#markEnded();
    void this.#linger();
  }

  /** The stream is old enough: the client comes back to whichever instance has room. */
  retire(): void {
    this.#parts.body.end(retryAfter(this.#deps.random));
  }

  async close(why: ConnectionEnd): Promise<void> {
    if (this.#closed) return;
    switch (why) {
      case "session-ended":
      case "client":
        await this.#parts.server.close();
        return;
      case "lease-lost":
        await this.#end({ keepRow: true });
        return;
      case "shutdown": {
        const { calls } = this.#parts.transport;
        this.#ended ??= this.#markEnded();
        const settled = Promise.all([calls.allAnswered(), this.#ended]);
        await Promise.race([settled, this.#deps.clock.sleep(GRACE_MS)]);
        await this.#end({ keepRow: true });
        return;
      }
    }
  }

  /** The SDK's server has closed, by whichever way. */
  closed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deps.connections.remove(this.id);
    void this.#forgetRow();
  }

  /** Fails what is still running, in words that the client can show, and ends the stream. */
  async #end({ keepRow }: { keepRow: boolean }): Promise<void> {
    const { body, server, transport } = this.#parts;
    for (const id of transport.calls.ids) {
      await transport.send(unfinished(id));
    }
    this.#closed = keepRow;
    this.#deps.connections.remove(this.id);
    body.end(retryAfter(this.#deps.random));
    await server.close();
  }

  async #linger(): Promise<void> {
    await this.#deps.clock.sleep(LINGER_MS);
    if (!this.#closed) await this.#parts.server.close();
  }

  async #markEnded(): Promise<void> {
    const endedAt = this.#deps.clock.now();
    await this.#writeRow(() => this.#deps.connectionRows.update(this.#key, () => ({ endedAt })));
  }

  /** Nothing of the connection is left, unless a client may come back for it. */
  async #forgetRow(): Promise<void> {
    const { clock, connectionRows } = this.#deps;
    await this.#ended;
    await this.#stateKept;
    const { subscriptions } = this.#state;
    const kept = this.#ended !== undefined && subscriptions.length > 0;
    await this.#writeRow(async () => {
      if (kept || this.#undelivered > 0) {
        await connectionRows.expireAt(this.#key, clock.now() + KEPT_MS);
      } else {
        await connectionRows.close(this.#key);
      }
    });
    await this.#deps.watching.subscriptionsChanged(this.session, subscriptions, []);
  }

  /** One after the other, so that the row ends with what the client said last. */
  #keep(state: ProtocolState, changes: { continued?: boolean } = {}): Promise<void> {
    this.#state = state;
    const { connectionRows } = this.#deps;
    const keep = this.#stateKept.then(() => connectionRows.keep(this.#key, state, changes));
    this.#stateKept = keep.catch((error: unknown) => {
      this.#parts.log.error("connection-state-not-kept", error, { connection: this.id });
    });
    return keep;
  }

  async #writeRow(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      // It goes by its expiry.
      this.#parts.log.error("connection-row-not-written", error, { connection: this.id });
    }
  }

  #isNext({ key, value }: ConnectionRow): boolean {
    return (
      value.kind === "sse" &&
      value.sessionId === this.sessionId &&
      value.continued &&
      value.endedAt === undefined &&
      key.row !== this.id
    );
  }

  get #key() {
    return { partition: this.userKey, row: this.id };
  }
}
