import { randomUUID } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { ClientConnection } from "../../../shared/http/client-connection.ts";

/** A handler on Web types, with what it may know of the connection. */
export type WebHandler = (
  request: Request,
  connection: ClientConnection,
  requestId: string,
) => Promise<Response>;

/**
 * Puts a Web handler on `node:http`: streams both ways, and tells the handler what the Functions adapter
 * would. The app and the bare SDK server beside it are mounted with this same adapter.
 *
 * @param origin Of the URLs that the handler sees.
 */
export function nodeListener(origin: string, handle: WebHandler): RequestListener {
  return (incoming, outgoing) => {
    handle(requestOf(origin, incoming), connectionOf(outgoing), randomUUID())
      .then((response) => send(response, outgoing))
      // As the Functions library would leave it, but not for ever.
      .catch(() => outgoing.destroy());
  };
}

function requestOf(origin: string, incoming: IncomingMessage): Request {
  const init = {
    method: incoming.method ?? "GET",
    headers: incoming.headers as Record<string, string>,
    body: bodyOf(incoming),
    duplex: "half",
  };
  return new Request(origin + (incoming.url ?? "/"), init);
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> | null {
  if (incoming.method === "GET" || incoming.method === "HEAD") return null;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      incoming.on("data", (chunk: Buffer) => controller.enqueue(chunk));
      incoming.on("end", () => controller.close());
      incoming.on("error", (error) => controller.error(error));
    },
  });
}

function connectionOf(outgoing: ServerResponse): ClientConnection {
  const gone = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableEnded) gone.abort();
  });
  return {
    disconnected: gone.signal,
    backlog: () => outgoing.writableLength,
    cut: () => {
      outgoing.destroy();
    },
  };
}

/** A stream goes out as it comes, without back-pressure, as the worker writes it; all else in one piece. */
async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, [...response.headers].flat());
  const reader = response.body?.getReader();
  if (reader === undefined) {
    outgoing.end();
    return;
  }
  outgoing.once("close", () => {
    if (!outgoing.writableEnded) reader.cancel().catch(() => undefined);
  });
  if (response.headers.get("content-type") !== "text/event-stream") outgoing.cork();
  else outgoing.flushHeaders();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    outgoing.write(read.value);
  }
  outgoing.end();
}

/** A server on a free port of this machine. */
export interface Listening {
  readonly url: string;
  stop(): Promise<void>;
}

export async function listen(listener: RequestListener, port = 0): Promise<Listening> {
  const server = createServer(listener);
  // Load is meant to be kept up on few connections.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => {
    server.listen({ port, host: "127.0.0.1", backlog: 4_096 }, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
