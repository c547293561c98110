import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import type { Change } from "../../features/call.ts";
import type { Random } from "../../random.ts";
import type { Caller } from "../../sessions/bearer.ts";
import type { Session } from "../../sessions/sessions.ts";
import { callContext, type CallContextDeps } from "../call-context.ts";
import type { ConnectionRows, ProtocolState } from "../connection-rows.ts";
import type { Connection, ConnectionEnd, Connections } from "../connections.ts";
import type { FeatureCalls } from "../feature-calls.ts";
import { GRACE_MS, INSTANCE_GONE } from "../instance-gone.ts";
import { sendChange } from "../send-change.ts";
import { retryAfter } from "../stream-lifetime.ts";
import { FeatureServer } from "./feature-server.ts";
import type { KeptStreamDeps } from "./kept-stream.ts";
import { type ExchangeTerms, SessionExchanges } from "./session-exchanges.ts";
import { SessionMessages, type SessionMessagesDeps } from "./session-messages.ts";
import { SessionState, type SessionStateDeps } from "./session-state.ts";
import { SessionTransport } from "./session-transport.ts";
import type { StandaloneStream } from "./standalone-stream.ts";

export interface McpSessionDeps
  extends CallContextDeps, KeptStreamDeps, SessionMessagesDeps, SessionStateDeps {
  readonly calls: FeatureCalls;
  readonly connections: Connections;
  readonly connectionRows: ConnectionRows;
  readonly random: Random;
}

/**
 * A session of Streamable HTTP (revisions of 2025) at this instance: the protocol server behind it, what is
 * being answered, and the client's stream if it is held here. Other instances may have the same session; what
 * a client tells one of them, they learn from its row.
 */
export class McpSession implements Connection {
  readonly id: string;
  readonly userKey: string;
  readonly state: SessionState;
  readonly messages: SessionMessages;
  /** As the last request found it: roles change with a refresh. */
  session: Session;
  #sessionId: string;
  readonly #deps: McpSessionDeps;
  readonly #exchanges: SessionExchanges;
  readonly #transport: SessionTransport;
  readonly #server: FeatureServer;
  readonly #onRest: () => void;
  #stream: StandaloneStream | undefined;
  #isClosed = false;
  #why: ConnectionEnd | "forgotten" = "forgotten";

  /**
   * @param bound.sessionId The sign-in that it belongs to.
   * @param state What the client has told so far.
   * @param onRest Called when nothing is in progress here any more, and when the session is over here.
   */
  constructor(
    deps: McpSessionDeps,
    id: string,
    { session, sessionId }: { session: Session; sessionId: string },
    state: ProtocolState,
    onRest: () => void,
  ) {
    this.id = id;
    this.session = session;
    this.userKey = session.userKey;
    this.#sessionId = sessionId;
    this.state = new SessionState(deps, this.key, state);
    this.#deps = deps;
    this.#onRest = onRest;
    const instance = () => deps.lease.id;
    this.#exchanges = new SessionExchanges(deps, id, instance, onRest);
    this.#transport = new SessionTransport(id, instance, (message) => this.#stream?.send(message));
    this.messages = new SessionMessages(deps, id, this.#transport, this.#exchanges);
    this.#server = new FeatureServer({
      calls: deps.calls,
      callFor: callContext(deps),
      beforeOwnEnd: ({ mcpReq }) => this.#transport.answerBeforeClosing(mcpReq.id),
      state: this.state,
    });
    this.#server.server.onclose = () => void this.#closed();
  }

  /** Begins to serve. @param known Whether the client has initialized the session, at whichever instance. */
  async start(known: boolean): Promise<void> {
    await this.#server.connect(this.#transport);
    const { initialize } = this.state;
    if (known && initialize !== undefined) await this.#transport.replayInitialize(initialize);
  }

  get sessionId(): string {
    return this.#sessionId;
  }

  /** From now on it belongs to another sign-in of the same person, and ends with that one. */
  bind(sessionId: string): void {
    if (this.closed) return;
    this.#deps.connections.remove(this.id);
    this.#sessionId = sessionId;
    this.#deps.connections.add(this);
  }

  /** Whether it is over here. Where there is still a row, it can be made again. */
  get closed(): boolean {
    return this.#isClosed;
  }

  get key() {
    return { partition: this.userKey, row: this.id };
  }

  /** The revision that was agreed on. */
  get version(): string | undefined {
    return this.#server.server.getNegotiatedProtocolVersion();
  }

  get streaming(): boolean {
    return this.#stream?.open === true;
  }

  /** Whether it may be forgotten here, to be made again when it is asked for. */
  get resting(): boolean {
    return !this.streaming && this.#exchanges.inProgress === 0;
  }

  /** Answers a body with requests. See {@link SessionMessages.answer}. */
  answer(
    messages: readonly JSONRPCMessage[],
    caller: Caller,
    terms: Omit<ExchangeTerms, "ids">,
  ): Promise<Response> {
    this.session = caller.session;
    return this.messages.answer(messages, caller, terms);
  }

  receive(message: JSONRPCMessage, caller: Caller): void {
    this.messages.receive(message, caller);
  }

  /** Holds a stream of the client's, in place of the one that it may have had. */
  hold(stream: StandaloneStream): void {
    const earlier = this.#stream;
    this.#stream = stream;
    earlier?.end();
  }

  /** A stream has ended. @returns Whether it was the client's last, and not one that had been replaced. */
  release(stream: StandaloneStream): boolean {
    if (this.#stream !== stream) return false;
    this.#stream = undefined;
    this.#onRest();
    return true;
  }

  wants(uri: string): boolean {
    return this.streaming && this.state.subscriptions.includes(uri);
  }

  async announce(change: Change): Promise<void> {
    if (!this.streaming) return;
    await sendChange(this.#server.server, change, (uri) => this.wants(uri));
  }

  /** For a client that comes back for its stream, and may have missed anything. */
  async announceEverything(): Promise<void> {
    for (const kind of ["tools-changed", "resources-changed", "prompts-changed"] as const) {
      await this.announce({ kind });
    }
    for (const uri of this.state.subscriptions)
      await this.announce({ kind: "resource-updated", uri });
  }

  async refresh(): Promise<void> {
    let gone = false;
    await this.state.refresh((row) => {
      gone = row === undefined;
      if (row === undefined) return;
      if (row.value.sessionId !== this.sessionId) this.bind(row.value.sessionId);
      if (row.value.instance !== this.#deps.lease.id) this.#stream?.end();
    });
    if (gone) await this.close("client");
  }

  /** Answers that come too late are kept with their stream, and not with the session. */
  async takeAnswersOf(): Promise<void> {}

  async handOver(stream: string): Promise<boolean> {
    return this.#exchanges.handOver(stream);
  }

  async close(why: ConnectionEnd): Promise<void> {
    this.#why = why;
    if (why === "lease-lost" || why === "shutdown") {
      this.#stream?.end(retryAfter(this.#deps.random));
      if (why === "shutdown") await this.#within(GRACE_MS, this.#exchanges.allAnswered());
      this.#exchanges.fail(INSTANCE_GONE);
      // Who has lost its lease stays, and writes it down while it goes on.
      if (why === "shutdown") await this.#within(GRACE_MS, this.#exchanges.written());
    }
    await this.#server.close();
  }

  async #within(ms: number, work: Promise<void>): Promise<void> {
    await Promise.race([work, this.#deps.clock.sleep(ms)]);
  }

  /** Forgets a session that rests. Any instance can make it again. */
  async forget(): Promise<void> {
    await this.#server.close();
  }

  async #closed(): Promise<void> {
    const { connections } = this.#deps;
    this.#isClosed = true;
    connections.remove(this.id);
    this.#exchanges.fail("The session has ended.");
    this.#stream?.end();
    this.#onRest();
    if (this.#why !== "session-ended") return;
    // Where that cannot be, it goes by its expiry.
    await this.#closeRow().catch((error: unknown) => {
      this.#deps.log.error("session-message-failed", error, { connection: this.id });
    });
  }

  async #closeRow(): Promise<void> {
    const { connectionRows } = this.#deps;
    const row = await connectionRows.find(this.key);
    // A later sign-in may have it meanwhile, by way of another instance.
    if (row?.value.sessionId === this.sessionId) await connectionRows.close(this.key);
  }
}
