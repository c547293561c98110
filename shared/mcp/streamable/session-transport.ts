import {
  type JSONRPCMessage,
  type RequestId,
  type Transport,
  type TransportSendOptions,
} from "@modelcontextprotocol/server";
import type { Caller } from "../../sessions/bearer.ts";
import { isAnswer, isCancellation, isRequest, isRequestId } from "../json-rpc.ts";
import { INVALID_PARAMS, RESOURCE_NOT_FOUND } from "../refusals.ts";
import { REPLAY_ID, replayOf } from "../replayed-initialize.ts";
import { CallerInfo } from "./caller-info.ts";
import type { Exchange } from "./exchange.ts";
import { nameInstance } from "./request-ids.ts";

/**
 * The way between the SDK's server and the client of a session (2025 revisions): what is said to a request
 * goes to the exchange that it came with, everything else to the stream that the client holds open.
 */
export class SessionTransport implements Transport {
  onclose: Transport["onclose"];
  onerror: Transport["onerror"];
  onmessage: Transport["onmessage"];
  readonly sessionId: string;
  readonly #instance: () => string;
  readonly #unrelated: (message: JSONRPCMessage) => void;
  readonly #exchanges = new Map<RequestId, Exchange>();
  readonly #replayed = Promise.withResolvers<void>();
  #lastAnswer: RequestId | undefined;
  #closing = false;
  #closed = false;

  /**
   * @param instance The id of this instance, as its lease has it.
   * @param unrelated Gets what belongs to no request of the client's.
   */
  constructor(
    sessionId: string,
    instance: () => string,
    unrelated: (message: JSONRPCMessage) => void,
  ) {
    this.sessionId = sessionId;
    this.#instance = instance;
    this.#unrelated = unrelated;
  }

  async start(): Promise<void> {}

  async send(message: JSONRPCMessage, options: TransportSendOptions = {}): Promise<void> {
    if (!isAnswer(message)) {
      const named = nameInstance(message, this.#instance());
      const { relatedRequestId } = options;
      if (relatedRequestId === undefined) this.#unrelated(named);
      else this.#exchanges.get(relatedRequestId)?.send(named);
      return;
    }
    const { id } = message;
    if (id === REPLAY_ID) this.#replayed.resolve();
    if (id === undefined) return;
    this.#exchanges.get(id)?.send(inItsRevision(message));
    this.#exchanges.delete(id);
    await this.#answered(id);
  }

  async #answered(id: RequestId): Promise<void> {
    if (id !== this.#lastAnswer) return;
    this.#lastAnswer = undefined;
    if (this.#closing) await this.close();
  }

  /** Hands a message of the client to the SDK's server. @param exchange Gets what is said to a request. */
  receive(message: JSONRPCMessage, caller: Caller, exchange?: Exchange): void {
    if (isRequest(message) && exchange !== undefined) this.#exchanges.set(message.id, exchange);
    this.onmessage?.(message, { authInfo: new CallerInfo(caller) });
    if (isCancellation(message)) this.#cancelled(message.params?.["requestId"]);
  }

  /** Whether a request is being answered here. */
  has(id: unknown): boolean {
    return isRequestId(id) && this.#exchanges.has(id);
  }

  /** Tells the server what the client told another instance. Resolves once it knows. */
  replayInitialize(params: Readonly<Record<string, unknown>>): Promise<void> {
    for (const message of replayOf(params)) this.onmessage?.(message);
    return this.#replayed.promise;
  }

  /**
   * Makes the next {@link close} wait until the request `id` is answered: a call that ends its own session
   * is told so before that.
   */
  answerBeforeClosing(id: RequestId): void {
    this.#lastAnswer = id;
  }

  /** Ends the session here. Once is enough, more is fine: the second time it waits for no answer. */
  async close(): Promise<void> {
    if (this.has(this.#lastAnswer) && !this.#closing) {
      this.#closing = true;
      return;
    }
    if (this.#closed) return;
    this.#closed = true;
    this.onclose?.();
  }

  #cancelled(id: unknown): void {
    if (!isRequestId(id)) return;
    this.#exchanges.get(id)?.cancelled(id);
    this.#exchanges.delete(id);
    void this.#answered(id);
  }
}

/** The SDK answers as 2026-07-28 has it, whatever the revision: a code that only that one knows is put back. */
function inItsRevision(message: JSONRPCMessage): JSONRPCMessage {
  if (!("error" in message) || message.error.code !== INVALID_PARAMS) return message;
  const { data } = message.error;
  const isMissing = typeof data === "object" && data !== null && "uri" in data;
  return isMissing
    ? { ...message, error: { ...message.error, code: RESOURCE_NOT_FOUND } }
    : message;
}
