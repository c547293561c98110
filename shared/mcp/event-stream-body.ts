import type { ClientConnection } from "../http/client-connection.ts";

/** The front end cuts a connection that is idle for 230 s; proxies and laptops are less patient. */
const KEEP_ALIVE_MS = 15_000;

/** What a client may leave unread before its stream is closed: a slow reader must not cost the others their memory. */
export const BACKLOG_LIMIT_BYTES = 1024 * 1024;

export const EVENT_STREAM_HEADERS = {
  "Content-Type": "text/event-stream",
  "Cache-Control": "no-cache, no-transform",
  // nginx and its like hold back what they have not been told to let through.
  "X-Accel-Buffering": "no",
};

const utf8 = new TextEncoder();

/** What a stream's end is put down to. */
export type StreamEnd = "client" | "backlog" | "server";

/**
 * The body of an event stream (WHATWG HTML, server-sent events): events out, keep-alive in between, and a
 * bound on what piles up when the client does not read.
 */
export class EventStreamBody {
  /** The body of the response. */
  readonly stream: ReadableStream<Uint8Array>;
  readonly #client: Pick<ClientConnection, "backlog" | "cut">;
  readonly #onEnd: (end: StreamEnd) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #keepAlive: NodeJS.Timeout | undefined;

  /** @param onEnd Called once, when the stream ends, whoever ends it. */
  constructor(
    client: Pick<ClientConnection, "backlog" | "cut">,
    onEnd: (end: StreamEnd) => void = () => undefined,
  ) {
    this.#client = client;
    this.#onEnd = onEnd;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        cancel: () => this.#ended("client"),
      },
      // Counted in bytes; what is written is bounded here and not by the queue.
      { highWaterMark: 0, size: ({ byteLength }) => byteLength },
    );
  }

  get open(): boolean {
    return this.#controller !== undefined;
  }

  /** @returns Whether the stream was open to take it. */
  event(name: string, data: string): boolean {
    return this.#write(`event: ${name}\ndata: ${data}\n\n`);
  }

  /** Writes any block of lines, such as `id` or `retry`. @returns Whether the stream was open to take it. */
  block(lines: string): boolean {
    return this.#write(`${lines}\n\n`);
  }

  /** Writes events that somebody else has put into words. @returns Whether the stream was open to take them. */
  bytes(events: Uint8Array): boolean {
    return this.#enqueue(events);
  }

  /** Sends a comment at once, so that proxies let the answer through, and then every 15 s. */
  keepAlive(): void {
    this.#write(": keep-alive\n\n");
    this.#keepAlive ??= setInterval(() => this.#write(": keep-alive\n\n"), KEEP_ALIVE_MS);
    this.#keepAlive.unref();
  }

  /** Ends the stream after what was written. @param retryMs When the client may come back. */
  end(retryMs?: number): void {
    if (this.#controller === undefined) return;
    if (retryMs !== undefined) this.#write(`retry: ${Math.round(retryMs)}\n\n`);
    this.#controller?.close();
    this.#ended("server");
  }

  /** Ends the stream when its client goes, or has gone already. */
  endWith(disconnected: AbortSignal): void {
    disconnected.addEventListener("abort", () => this.abandon(), { once: true });
    if (disconnected.aborted) this.abandon();
  }

  /** The client has gone. */
  abandon(): void {
    this.#controller?.close();
    this.#ended("client");
  }

  #write(text: string): boolean {
    return this.#enqueue(utf8.encode(text));
  }

  #enqueue(bytes: Uint8Array): boolean {
    if (this.#controller === undefined) return false;
    if (this.#unread() > BACKLOG_LIMIT_BYTES) {
      // Not an error: the library would leave the response open for ever.
      this.#controller.close();
      this.#client.cut();
      this.#ended("backlog");
      return false;
    }
    this.#controller.enqueue(bytes);
    return true;
  }

  /** Bytes on their way: still in this stream, or in the response behind it. */
  #unread(): number {
    return this.#client.backlog() - (this.#controller?.desiredSize ?? 0);
  }

  #ended(end: StreamEnd): void {
    if (this.#controller === undefined) return;
    this.#controller = undefined;
    clearInterval(this.#keepAlive);
    this.#onEnd(end);
  }
}
