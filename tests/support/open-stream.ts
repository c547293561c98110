import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { TestApp } from "./test-app.ts";

/** What a tool answered. */
export interface ToolAnswer {
  readonly isError?: boolean;
  readonly structuredContent?: Record<string, unknown>;
  readonly content: readonly { readonly text: string }[];
}

/** An MCP client on HTTP+SSE, reduced to its wire: one open stream, and posts to it. */
export class EventStream {
  readonly #app: TestApp;
  readonly #token: string;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #buffer = "";
  #endpoint = "";
  #calls = 0;

  private constructor(app: TestApp, token: string, body: ReadableStream<Uint8Array>) {
    this.#app = app;
    this.#token = token;
    this.#reader = body.getReader();
  }

  /** Opens `/sse` on one instance and reads its first event. */
  static async open(app: TestApp, token: string): Promise<EventStream> {
    const headers = { authorization: `Bearer ${token}` };
    const response = await app.fetch(new URL("/sse", app.baseUrl), { headers });
    if (response.status !== 200 || response.body === null) {
      throw new Error(`no stream: ${response.status} ${await response.text()}`);
    }
    const stream = new EventStream(app, token, response.body);
    stream.#endpoint = (await stream.#next())?.data ?? "";
    return stream;
  }

  /** Calls a tool and waits for its answer on the stream. */
  async callTool(name: string, args: Record<string, unknown> = {}): Promise<ToolAnswer> {
    const id = ++this.#calls;
    const params = { name, arguments: args };
    const posted = await this.post({ jsonrpc: "2.0", id, method: "tools/call", params });
    if (posted.status !== 202) throw new Error(`not taken: ${posted.status}`);
    const event = await this.#next();
    const answer = JSON.parse(event?.data ?? "{}") as { id?: number; result?: ToolAnswer };
    if (answer.id !== id || answer.result === undefined) {
      throw new Error(`no answer to the call: ${event?.data ?? "the stream has ended"}`);
    }
    return answer.result;
  }

  /** Posts a message for this stream: to the instance that holds it, or to another. */
  post(message: JSONRPCMessage, app = this.#app, token = this.#token): Promise<Response> {
    return app.fetch(new URL(this.#endpoint, app.baseUrl), {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(message),
    });
  }

  /** @returns The next message on the stream, or undefined at its end. */
  async next(): Promise<Record<string, unknown> | undefined> {
    const event = await this.#next();
    return event && (JSON.parse(event.data) as Record<string, unknown>);
  }

  /** Breaks the stream off, as a client does that goes away. */
  async drop(): Promise<void> {
    await this.#reader.cancel();
  }

  /** Waits for the stream's end. @returns The data of the events that came before it. */
  async rest(): Promise<string[]> {
    const events = [];
    for (let event = await this.#next(); event !== undefined; event = await this.#next()) {
      events.push(event.data);
    }
    return events;
  }

  /** @returns The next event that is no comment, or undefined at the end. */
  async #next(): Promise<{ data: string } | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf("\n\n");
      if (end !== -1) {
        const block = this.#buffer.slice(0, end);
        this.#buffer = this.#buffer.slice(end + 2);
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) return { data };
        continue;
      }
      const { value, done } = await this.#reader.read();
      if (done) return undefined;
      this.#buffer += this.#decoder.decode(value, { stream: true });
    }
  }
}

/** @returns How many streams an instance holds. */
export async function openStreams(app: TestApp): Promise<number> {
  const response = await app.fetch(new URL("/health", app.baseUrl));
  return ((await response.json()) as { streams: number }).streams;
}
