import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import type { ClientConnection } from "../../http/client-connection.ts";
import { EVENT_STREAM_HEADERS, EventStreamBody } from "../event-stream-body.ts";

/**
 * The stream that a client of a session opens with `GET` (MCP 2025-11-25, Streamable HTTP), for what the
 * server says by itself. It cannot be resumed: who comes back is told that anything may have changed.
 */
export class StandaloneStream {
  readonly response: Response;
  readonly #body: EventStreamBody;
  #sequence = 0;

  /**
   * @param primed Whether it begins with an id and an empty event; see `Exchange`.
   * @param lifetimeMs After so long it ends by itself, and the client opens another.
   * @param onEnd Called once, whoever ends it.
   */
  constructor(
    client: ClientConnection,
    options: {
      primed: boolean;
      lifetimeMs: number;
      onEnd: (stream: StandaloneStream) => void;
      retryMs: () => number;
    },
  ) {
    const retirement = setTimeout(() => this.end(options.retryMs()), options.lifetimeMs);
    retirement.unref();
    this.#body = new EventStreamBody(client, () => {
      clearTimeout(retirement);
      options.onEnd(this);
    });
    if (options.primed) this.#body.block("id: get~0\ndata: ");
    this.#body.keepAlive();
    this.#body.endWith(client.disconnected);
    this.response = new Response(this.#body.stream, { headers: EVENT_STREAM_HEADERS });
  }

  get open(): boolean {
    return this.#body.open;
  }

  send(message: JSONRPCMessage): void {
    this.#sequence += 1;
    const data = JSON.stringify(message);
    this.#body.block(`id: get~${this.#sequence}\nevent: message\ndata: ${data}`);
  }

  /** @param retryMs When the client may come back; left out where another stream has taken its place. */
  end(retryMs?: number): void {
    this.#body.end(retryMs);
  }
}
