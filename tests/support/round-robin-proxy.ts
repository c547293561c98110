import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** How long an instance that refused a connection is left out. */
const LEFT_OUT_MS = 500;

/** A front end without affinity. */
export interface RoundRobinProxy {
  readonly url: string;
  /** How many requests each instance was given, by its origin. */
  readonly given: ReadonlyMap<string, number>;
  /** Sends everything to one instance, or with undefined to all in turn again. */
  pin(instance: string | undefined): void;
  stop(): Promise<void>;
}

/**
 * Hands each request to the next instance, whoever sent the one before. An instance that does not take the
 * connection is skipped, as Azure's front end does; one that dies while it answers is not tried again, for
 * the request may have run. Headers pass untouched, streams pass as they come, and so do broken connections.
 *
 * @param instances Their origins, as they are at each request.
 * @param options.headers Added to each request, such as a bearer token.
 */
export async function startRoundRobinProxy(
  instances: () => readonly string[],
  options: { port?: number; headers?: () => Record<string, string> } = {},
): Promise<RoundRobinProxy> {
  // A connection for each request: one that an instance has just closed would fail a request that may not be
  // sent again.
  const agent = new Agent({ keepAlive: false });
  const given = new Map<string, number>();
  const leftOutUntil = new Map<string, number>();
  let turn = 0;
  let pinned: string | undefined;

  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("error", () => undefined);
    incoming.on("end", () => {
      const all = instances();
      const order = all.map((_, n) => all[(turn + n) % all.length] ?? "");
      turn += 1;
      const there = order.filter((it) => (leftOutUntil.get(it) ?? 0) < Date.now());
      const candidates = pinned === undefined ? (there.length > 0 ? there : order) : [pinned];
      forward(incoming, Buffer.concat(chunks), outgoing, candidates);
    });
  });

  function forward(
    incoming: IncomingMessage,
    body: Buffer,
    outgoing: ServerResponse,
    [instance, ...others]: readonly string[],
  ): void {
    if (instance === undefined) {
      outgoing.writeHead(502).end();
      return;
    }
    let sent = false;
    const upstream = request(new URL(incoming.url ?? "/", instance), {
      method: incoming.method,
      headers: { ...incoming.headers, ...options.headers?.(), connection: "close" },
      agent,
    });
    upstream.on("socket", (socket) => {
      socket.once("connect", () => {
        sent = true;
      });
    });
    upstream.on("response", (answer) => {
      given.set(instance, (given.get(instance) ?? 0) + 1);
      // What is said of this connection is not meant for the client's.
      const { connection: _, "keep-alive": __, ...headers } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, headers);
      outgoing.flushHeaders();
      answer.on("data", (chunk) => outgoing.write(chunk));
      answer.on("end", () => outgoing.end());
      answer.on("error", () => outgoing.destroy());
    });
    upstream.on("error", () => {
      // It may have run.
      if (sent) return outgoing.destroy();
      leftOutUntil.set(instance, Date.now() + LEFT_OUT_MS);
      forward(incoming, body, outgoing, others);
      return undefined;
    });
    outgoing.on("close", () => {
      if (!outgoing.writableFinished) upstream.destroy();
    });
    upstream.end(body);
  }

  // Longer than clients keep theirs: a connection must not close just when it is used again.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve) => {
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://localhost:${port}`,
    given,
    pin: (instance) => {
      pinned = instance;
    },
    async stop() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
