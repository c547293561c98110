import {
  authorization,
  echoCall,
  type LoadClient,
  type LoadTarget,
  requireEcho,
} from "./client.ts";
import { WireConnection } from "./wire.ts";

/** The data of the messages on a stream, as they come. */
class Messages {
  #text = "";
  readonly #onMessage: (event: string, data: string) => void;

  constructor(onMessage: (event: string, data: string) => void) {
    this.#onMessage = onMessage;
  }

  read(text: string): void {
    this.#text = this.#text === "" ? text : this.#text + text;
    for (let end = this.#text.indexOf("\n\n"); end !== -1; end = this.#text.indexOf("\n\n")) {
      const block = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      const match = /^event: (\w+)\ndata: (.*)$/.exec(block);
      if (match !== null) this.#onMessage(match[1] ?? "", match[2] ?? "");
    }
  }
}

/** Opens a stream of HTTP+SSE. @returns What ends it, and where the client is to post. */
export async function openStream(
  target: LoadTarget,
  onMessage: (data: string) => void,
): Promise<{ endpoint: string; close(): void }> {
  const connection = await WireConnection.open(target.streamUrl);
  const endpoint = Promise.withResolvers<string>();
  const messages = new Messages((event, data) => {
    if (event === "endpoint") endpoint.resolve(data);
    else onMessage(data);
  });
  const headers = `Accept: text/event-stream\r\n${authorization(target.token)}`;
  await connection.stream("/sse", headers, (text) => messages.read(text));
  return { endpoint: await endpoint.promise, close: () => connection.close() };
}

/** A client of HTTP+SSE that has been initialized. */
export interface SseSession {
  /** Sends a request. @param params As JSON. @returns The message that answers it. */
  ask(method: string, params: string): Promise<string>;
  /** Sends a request that is written already. */
  askFor(json: string): Promise<string>;
  close(): void;
}

/**
 * Begins a session of HTTP+SSE: its stream, and a connection of its own for what it posts.
 *
 * @param onMessage Gets what answers no request.
 */
export async function beginSse(
  target: LoadTarget,
  onMessage?: (data: string) => void,
): Promise<SseSession> {
  let answered: ((data: string) => void) | undefined;
  const stream = await openStream(target, (data) => {
    if (!data.includes('"method":')) answered?.(data);
    else onMessage?.(data);
  });
  const posts = await WireConnection.open(target.postUrl);
  const headers = authorization(target.token);
  async function post(json: string): Promise<void> {
    const { status, head, body } = await posts.post(stream.endpoint, headers, json);
    if (status !== 202) throw new Error(`not taken: ${head}\n${body}`);
  }

  async function askFor(json: string): Promise<string> {
    const answer = new Promise<string>((resolve) => {
      answered = resolve;
    });
    const [data] = await Promise.all([answer, post(json)]);
    return data;
  }

  await askFor(
    `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"load","version":"1"}}}`,
  );
  await post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`);
  return {
    ask: (method, params) =>
      askFor(`{"jsonrpc":"2.0","id":"${method}","method":"${method}","params":${params}}`),
    askFor,
    close() {
      stream.close();
      posts.close();
    },
  };
}

/** A client of HTTP+SSE that calls a tool. */
export async function openSseClient(target: LoadTarget): Promise<LoadClient> {
  const session = await beginSse(target);
  let ids = 0;
  return {
    async call(text) {
      const id = ++ids;
      requireEcho(await session.askFor(echoCall(id, text)), id, text);
    },
    close: () => session.close(),
  };
}
