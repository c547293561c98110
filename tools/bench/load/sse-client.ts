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

/** A client of HTTP+SSE: its stream, and a connection of its own for what it posts. */
export async function openSseClient(target: LoadTarget): Promise<LoadClient> {
  let answered: ((data: string) => void) | undefined;
  const stream = await openStream(target, (data) => answered?.(data));
  const posts = await WireConnection.open(target.postUrl);
  const headers = authorization(target.token);
  let ids = 0;

  async function post(json: string): Promise<void> {
    const { status, head, body } = await posts.post(stream.endpoint, headers, json);
    if (status !== 202) throw new Error(`not taken: ${head}\n${body}`);
  }

  async function ask(json: string): Promise<string> {
    const answer = new Promise<string>((resolve) => {
      answered = resolve;
    });
    const [data] = await Promise.all([answer, post(json)]);
    return data;
  }

  await ask(
    `{"jsonrpc":"2.0","id":${++ids},"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"load","version":"1"}}}`,
  );
  await post(`{"jsonrpc":"2.0","method":"notifications/initialized"}`);
  return {
    async call(text) {
      const id = ++ids;
      requireEcho(await ask(echoCall(id, text)), id, text);
    },
    close() {
      stream.close();
      posts.close();
    },
  };
}
