import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type {
  JSONRPCMessage,
  MessageExtraInfo,
  RequestId,
} from "@modelcontextprotocol/sdk/types.js";

/** The front end cuts a connection that is idle for 230 s; proxies and laptops are less patient. */
const KEEP_ALIVE_MS = 15_000;

const KEEP_ALIVE = ": keep-alive\n\n";

/**
 * The server's side of HTTP+SSE (MCP 2024-11-05) on a Web stream: an SDK transport whose outgoing half is
 * the body of `GET /sse`. The incoming half is {@link receive}, fed by `POST /message` on any instance.
 */
export class SseTransport implements Transport {
  /** The body of the response. */
  readonly stream: ReadableStream<Uint8Array>;
  onclose: Transport["onclose"];
  onerror: Transport["onerror"];
  onmessage: Transport["onmessage"];
  readonly #endpoint: string;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #lastAnswer: RequestId | undefined;
  #closing = false;

  /** @param endpoint Where the client posts its messages: a path of this origin. */
  constructor(endpoint: string) {
    this.#endpoint = endpoint;
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => this.#end(),
    });
  }

  /** Called by the SDK's server when it connects: names the endpoint to the client. */
  async start(): Promise<void> {
    this.#write(`event: endpoint\ndata: ${this.#endpoint}\n\n`);
    this.#write(KEEP_ALIVE);
    this.#keepAlive = setInterval(() => this.#write(KEEP_ALIVE), KEEP_ALIVE_MS);
  }

  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#controller === undefined) throw new Error("The stream has ended.");
    this.#write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
    const isAnswer = "id" in message && !("method" in message);
    if (!isAnswer || message.id !== this.#lastAnswer) return;
    this.#lastAnswer = undefined;
    if (this.#closing) await this.close();
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
    this.onmessage?.(message, extra);
  }

  /** Ends the stream. Once is enough, more is fine: the second time it waits for no answer. */
  async close(): Promise<void> {
    if (this.#lastAnswer !== undefined && !this.#closing) {
      this.#closing = true;
      return;
    }
    this.#controller?.close();
    this.#end();
  }

  /** The client has gone: there is nobody left to answer first. */
  abandon(): void {
    this.#lastAnswer = undefined;
    this.#closing = false;
  }

  #end(): void {
    if (this.#controller === undefined) return;
    this.#controller = undefined;
    clearInterval(this.#keepAlive);
    this.onclose?.();
  }

  #write(text: string): void {
    this.#controller?.enqueue(this.#encoder.encode(text));
  }
}
