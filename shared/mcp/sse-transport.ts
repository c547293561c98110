import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type {
  JSONRPCMessage,
  MessageExtraInfo,
  RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import type { EventStreamBody } from "./event-stream-body.ts";
import { isAnswer, isCancellation, isRequest, isRequestId } from "./json-rpc.ts";
import { PendingCalls } from "./pending-calls.ts";
import { REPLAY_ID, replayOf } from "./replayed-initialize.ts";

/**
 * The server's side of HTTP+SSE (MCP 2024-11-05) on a Web stream: an SDK transport whose outgoing half is
 * the body of `GET /sse`. The incoming half is {@link receive}, fed by `POST /message` on any instance. It
 * outlives its stream for a while: what it answers then is handed to `undelivered`.
 */
export class SseTransport implements Transport {
  onclose: Transport["onclose"];
  onerror: Transport["onerror"];
  onmessage: Transport["onmessage"];
  readonly calls = new PendingCalls();
  readonly #endpoint: string;
  readonly #body: EventStreamBody;
  readonly #undelivered: (message: JSONRPCMessage) => void;
  #lastAnswer: RequestId | undefined;
  #closing = false;
  #closed = false;

  /**
   * @param endpoint Where the client posts its messages: a path of this origin.
   * @param undelivered Gets each answer that comes after the stream has ended.
   */
  constructor(
    endpoint: string,
    body: EventStreamBody,
    undelivered: (message: JSONRPCMessage) => void = () => undefined,
  ) {
    this.#endpoint = endpoint;
    this.#body = body;
    this.#undelivered = undelivered;
  }

  /** Called by the SDK's server when it connects: names the endpoint to the client. */
  async start(): Promise<void> {
    this.#body.event("endpoint", this.#endpoint);
    this.#body.keepAlive();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const answered = isAnswer(message) ? message.id : undefined;
    if (answered === REPLAY_ID) return;
    // A call that was failed, or given up, may come to an end all the same: it is not answered again.
    if (answered !== undefined && !this.calls.answered(answered)) return;
    this.#say(message);
    if (answered !== undefined) await this.#answered(answered);
  }

  /** Tells the client the answer to a call that it made on an earlier connection. */
  bring(answer: JSONRPCMessage): void {
    this.#say(answer);
  }

  #say(message: JSONRPCMessage): void {
    const isSent = this.#body.event("message", JSON.stringify(message));
    if (!isSent && isAnswer(message)) this.#undelivered(message);
  }

  /**
   * Makes the next {@link close} wait until the request `id` is answered: a call that ends its own session
   * is told so before its stream ends.
   */
  answerBeforeClosing(id: RequestId): void {
    this.#lastAnswer = id;
  }

  /** Hands a message of the client to the SDK's server. */
  receive(message: JSONRPCMessage, extra: MessageExtraInfo): void {
    if (isRequest(message)) this.calls.began(message.id);
    this.onmessage?.(message, extra);
    // It is not answered any more (MCP 2024-11-05, cancellation).
    const cancelled = cancelledBy(message);
    if (cancelled === undefined) return;
    this.calls.answered(cancelled);
    void this.#answered(cancelled);
  }

  async #answered(id: RequestId): Promise<void> {
    if (id !== this.#lastAnswer) return;
    this.#lastAnswer = undefined;
    if (this.#closing) await this.close();
  }

  /** Tells the server what the client told an earlier connection, and does not tell this one. */
  replayInitialize(params: Readonly<Record<string, unknown>>): void {
    for (const message of replayOf(params)) this.onmessage?.(message);
  }

  /** Ends the connection. Once is enough, more is fine: the second time it waits for no answer. */
  async close(): Promise<void> {
    if (this.#lastAnswer !== undefined && !this.#closing && this.#body.open) {
      this.#closing = true;
      return;
    }
    if (this.#closed) return;
    this.#closed = true;
    this.#body.end();
    this.onclose?.();
  }
}

/** @returns The request that a message gives up, where it does. */
function cancelledBy(message: JSONRPCMessage): RequestId | undefined {
  const id = isCancellation(message) ? message.params?.["requestId"] : undefined;
  return isRequestId(id) ? id : undefined;
}
