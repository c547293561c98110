import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Change } from "../features/call.ts";
import type { Log } from "../log.ts";
import type { Random } from "../random.ts";
import type { Caller } from "../sessions/bearer.ts";
import type { Session } from "../sessions/sessions.ts";
import type { ProtocolState } from "./connection-rows.ts";
import type { Connection, ConnectionEnd } from "./connections.ts";
import type { EventStreamBody } from "./event-stream-body.ts";
import { GRACE_MS, unfinished } from "./instance-gone.ts";
import { LateAnswers, type LateAnswersDeps } from "./late-answers.ts";
import { SseRow, type SseRowDeps } from "./sse-row.ts";
import type { Told } from "./sse-server.ts";
import type { SseTransport } from "./sse-transport.ts";
import { retryAfter } from "./stream-lifetime.ts";

/** How long a connection takes messages and finishes calls after its stream has ended. */
const LINGER_MS = 10_000;

/** What a call is answered with that goes on for longer than its connection. */
const GIVEN_UP =
  "The stream of this call had ended, and the call was given up. It may or may not have taken effect.";

/** A client that starts says so within this time; one that comes back may wait in silence. */
const FIRST_WORD_MS = 1_000;

export interface SseConnectionDeps extends SseRowDeps, LateAnswersDeps {
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
  readonly #row: SseRow;
  readonly #lateAnswers: LateAnswers;
  /** What came from earlier connections, by their ids and its numbers there. */
  readonly #taken = new Set<string>();
  #closed = false;
  /** Whether it is closed and its row is not: its client comes back for what is kept. */
  #rowKept = false;
  readonly #continued = Promise.withResolvers<boolean>();
  #isContinued: Promise<boolean> | undefined;

  /** @param state What the client has told its connection before this one. */
  constructor(deps: SseConnectionDeps, parts: SseConnectionParts, state: ProtocolState) {
    this.id = parts.id;
    this.userKey = parts.session.userKey;
    this.sessionId = parts.session.id;
    this.session = parts.session;
    this.#deps = deps;
    this.#parts = parts;
    this.#row = new SseRow(deps, this, parts.log, state);
    this.#lateAnswers = new LateAnswers(deps, this, parts.log, () => this.#row.endWritten());
  }

  receive(message: JSONRPCMessage, { session, scopes }: Caller): void {
    this.session = session;
    const starts = "method" in message && message.method === "initialize";
    this.#continued.resolve(!starts);
    if (starts) void this.#row.startAnew(message.params ?? {});
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
    return this.#row.state;
  }

  wants(uri: string): boolean {
    return this.state.subscriptions.includes(uri);
  }

  announce(change: Change): Promise<void> {
    return this.#parts.announce(change);
  }

  /** A client that has come back reads again what it is subscribed to: nobody knows what it has missed. */
  async announceMissed(): Promise<void> {
    if (this.state.subscriptions.length === 0 || !(await this.isContinued())) return;
    for (const uri of this.state.subscriptions) {
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
  told(news: Told): Promise<void> {
    return this.#row.told(news);
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
    this.#lateAnswers.add(answer);
  }

  /** The stream has ended. Whoever ended it, the connection lingers. */
  streamEnded(): void {
    if (this.#closed) return;
    void this.#row.markEnded();
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
        const settled = Promise.all([calls.allAnswered(), this.#row.markEnded()]);
        await Promise.race([settled, this.#deps.clock.sleep(GRACE_MS)]);
        await this.#end({ keepRow: true });
        await Promise.race([this.#lateAnswers.forwarded(), this.#deps.clock.sleep(GRACE_MS)]);
        return;
      }
    }
  }

  /** The SDK's server has closed, by whichever way. */
  closed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#deps.connections.remove(this.id);
    void this.#row.forget(() => this.#lateAnswers.any);
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
}
