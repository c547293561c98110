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
import type { Expiries } from "../storage/expiries.ts";
import type { ConnectionRow, ConnectionRows, ProtocolState } from "./connection-rows.ts";
import type { Connection, ConnectionEnd, Connections } from "./connections.ts";
import type { EventStreamBody } from "./event-stream-body.ts";
import { retryAfter } from "./stream-lifetime.ts";
import { NEVER, waitOutOutage } from "./outage-patience.ts";
import type { Told } from "./server.ts";
import { unfinished } from "./instance-gone.ts";
import type { SseTransport } from "./sse-transport.ts";
import type { WaitingAnswers } from "./waiting-answers.ts";

/** How long a connection takes messages and finishes calls after its stream has ended. */
const LINGER_MS = 10_000;

/** How long what a client has told its connection is kept for its next one, and answers wait for it. */
const KEPT_MS = 10 * 60_000;

/** What a call is answered with that goes on for longer than its connection. */
const GIVEN_UP =
  "The stream of this call had ended, and the call was given up. It may or may not have taken effect.";

/** What a call in progress gets when the instance goes. */
const GRACE_MS = 500;

/** A client that starts says so within this time; one that comes back may wait in silence. */
const FIRST_WORD_MS = 1_000;

export interface SseConnectionDeps {
  readonly connections: Connections;
  readonly connectionRows: ConnectionRows;
  readonly waitingAnswers: WaitingAnswers;
  readonly expiries: Expiries;
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
  /** What came from earlier connections, by their ids and its numbers there. */
  readonly #taken = new Set<string>();
  #forwarded: Promise<void> = Promise.resolve();
  #ended: Promise<void> | undefined;
  #closed = false;
  /** Whether it is closed and its row is not: its client comes back for what is kept. */
  #rowKept = false;
  readonly #continued = Promise.withResolvers<boolean>();
  #isContinued: Promise<boolean> | undefined;

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
    if (starts) void this.#startAnew(message.params ?? {});
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
  isContinued(): Promise<boolean> {
    this.#isContinued ??= Promise.race([
      this.#continued.promise,
      this.#deps.clock.sleep(FIRST_WORD_MS).then(() => true),
    ]);
    return this.#isContinued;
  }

  /** What the client has told, as far as its next connection goes by it. */
  get state(): ProtocolState {
    return this.#state;
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
    // A client that starts anew has calls of its own under the same ids.
    if (!(await this.isContinued())) return;
    const { waitingAnswers } = this.#deps;
    for await (const { sequence, message } of waitingAnswers.take(earlierId, this)) {
      const name = `${earlierId} ${sequence}`;
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      this.#parts.transport.bring(message);
    }
  }

  /** An answer came after the stream had ended: it goes where the client is now, or waits for it. */
  undelivered(answer: JSONRPCMessage): void {
    if (this.#closed && !this.#rowKept) return;
    const sequence = (this.#undelivered += 1);
    this.#forwarded = this.#forwarded.then(() => this.#forward(sequence, answer));
  }

  async #forward(sequence: number, answer: JSONRPCMessage): Promise<void> {
    const { clock, expiries, waitingAnswers } = this.#deps;
    const events = { table: "events" as const, key: { partition: this.id, row: "" } };
    try {
      // Before what it names; the row of the connection may go earlier.
      await waitOutOutage(clock, NEVER, () => expiries.note(events, clock.now() + KEPT_MS));
      const sealed = await waitOutOutage(clock, NEVER, () =>
        waitingAnswers.seal(this.id, sequence, answer),
      );
      await waitOutOutage(clock, NEVER, () => waitingAnswers.keep(sealed));
      await this.#ended;
      await waitOutOutage(clock, NEVER, () => this.#tellNext());
    } catch (error) {
      this.#parts.log.error("answer-not-kept", error, { connection: this.id });
    }
  }

  /** Tells the client's next connection that something waits for it. */
  async #tellNext(): Promise<void> {
    const { connectionRows, connections, relay } = this.#deps;
    const rows = await connectionRows.of(this.userKey);
    const [next, ...more] = rows.filter((row) => this.#isNext(row));
    // Ids of calls are unique in one client only: where several have come back, nobody can tell whose it is.
    if (next === undefined || more.length > 0) return;
    const here = connections.get(next.key.row);
    if (here !== undefined) {
      await here.takeAnswersOf(this.id);
      return;
    }
    await relay.send(next.value.instance, {
      kind: "answers-waiting",
      connection: next.key.row,
      from: this.id,
    });
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
        await Promise.race([this.#forwarded, this.#deps.clock.sleep(GRACE_MS)]);
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
  async #end({ keepRow, why }: { keepRow: boolean; why?: string }): Promise<void> {
    const { body, server, transport } = this.#parts;
    for (const id of transport.calls.ids) {
      await transport.send(unfinished(id, why));
    }
    this.#closed = keepRow;
    this.#rowKept = keepRow;
    this.#deps.connections.remove(this.id);
    body.end(retryAfter(this.#deps.random));
    await server.close();
  }

  async #linger(): Promise<void> {
    await this.#deps.clock.sleep(LINGER_MS);
    if (!this.#closed) await this.#end({ keepRow: false, why: GIVEN_UP });
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

  /** The client begins: nothing of what it told before counts any more. */
  async #startAnew(initialize: Readonly<Record<string, unknown>>): Promise<void> {
    const { subscriptions } = this.#state;
    try {
      await this.#keep({ initialize, subscriptions: [] }, { continued: false });
    } catch {
      // What cannot be kept is missed only by a client that comes back: no reason to refuse it now.
    }
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
      // A row that says that its stream goes on would be taken for another client of the session.
      await waitOutOutage(this.#deps.clock, NEVER, write);
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
