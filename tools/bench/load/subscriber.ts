import { authorization, type LoadTarget } from "./client.ts";
import { beginSession, modernHeaders, modernRequest } from "./mcp-client.ts";
import { beginSse } from "./sse-client.ts";
import { WATCHED_URI } from "./word.ts";
import { WireConnection } from "./wire.ts";

/** The ways to hear of changes. */
export type Heard = "sse" | "mcp-2025" | "mcp-2026";

/** How long a word may be under way. */
const PATIENCE_MS = 10_000;

/** A client that is subscribed to the watched resource. */
export interface Subscriber {
  /** @returns When it hears of the next change, by `performance.now()`. */
  updated(): Promise<number>;
  close(): void;
}

/** Opens a client, and subscribes it. */
export async function subscriber(protocol: Heard, target: LoadTarget): Promise<Subscriber> {
  const updates = new Updates();
  const close = await subscribe[protocol](target, (text) => updates.read(text));
  return { updated: () => updates.next(), close };
}

const subscribe: Record<
  Heard,
  (target: LoadTarget, onText: (text: string) => void) => Promise<() => void>
> = {
  async sse(target, onText) {
    const session = await beginSse(target, (data) => onText(`${data}\n\n`));
    await session.ask("resources/subscribe", `{"uri":"${WATCHED_URI}"}`);
    return () => session.close();
  },

  async "mcp-2025"(target, onText) {
    const { connection, headers } = await beginSession(target);
    const stream = await WireConnection.open(target.streamUrl);
    await stream.stream("/mcp", headers.replace("application/json, ", ""), onText);
    await connection.post(
      "/mcp",
      headers,
      `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"${WATCHED_URI}"}}`,
    );
    return () => {
      stream.close();
      connection.close();
    };
  },

  async "mcp-2026"(target, onText) {
    const stream = await WireConnection.open(target.streamUrl);
    const method = "subscriptions/listen";
    const params = `"notifications":{"resourceSubscriptions":["${WATCHED_URI}"]}`;
    const headers = `${modernHeaders(method)}${authorization(target.token)}`;
    await stream.stream("/mcp", headers, onText, modernRequest(1, method, params));
    return () => stream.close();
  },
};

/** The words on a stream that the resource has changed, as they come. */
class Updates {
  #text = "";
  #next = Promise.withResolvers<number>();

  read(text: string): void {
    const blocks = (this.#text + text).split("\n\n");
    this.#text = blocks.pop() ?? "";
    if (!blocks.some((block) => block.includes('"notifications/resources/updated"'))) return;
    this.#next.resolve(performance.now());
    this.#next = Promise.withResolvers();
  }

  next(): Promise<number> {
    const { promise, reject } = this.#next;
    const late = setTimeout(() => reject(new Error("a change was not heard of")), PATIENCE_MS);
    return promise.finally(() => clearTimeout(late));
  }
}
