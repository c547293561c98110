import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";

const ATTEMPTS = 20;

/** Servers that listen on one port of both loopback addresses. */
export interface Listening {
  readonly port: number;
  /** Closes every connection and frees the port. */
  readonly close: () => Promise<void>;
}

/**
 * Listens on 127.0.0.1 and, where the machine has it, on ::1; never on another address.
 *
 * @param port the port, 0 for any that is free on both
 * @param listenerFor makes the listener, once the port is known
 * @throws Error with a sentence for people where the port is taken
 */
export async function listenOnLoopback(
  port: number,
  listenerFor: (port: number) => RequestListener,
): Promise<Listening> {
  for (let attempt = 1; ; attempt += 1) {
    const first = await listen(port, "127.0.0.1");
    const chosen = portOf(first);
    const listener = listenerFor(chosen);
    first.on("request", listener);
    try {
      const second = await listen(chosen, "::1");
      second.on("request", listener);
      return { port: chosen, close: () => closeAll([first, second]) };
    } catch (error) {
      const code = codeOf(error);
      if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") {
        return { port: chosen, close: () => closeAll([first]) };
      }
      await closeAll([first]);
      // A port chosen by the system is free on 127.0.0.1, which says nothing about ::1.
      if (port !== 0 || code !== "EADDRINUSE" || attempt === ATTEMPTS) {
        throw unavailable(chosen, error);
      }
    }
  }
}

async function listen(port: number, host: "127.0.0.1" | "::1"): Promise<Server> {
  const server = createServer();
  server.listen({ port, host, ipv6Only: host === "::1" });
  try {
    await once(server, "listening");
  } catch (error) {
    throw host === "127.0.0.1" ? unavailable(port, error) : error;
  }
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new Error("The server does not listen on a port.");
  }
  return address.port;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function unavailable(port: number, cause: unknown): Error {
  const message =
    codeOf(cause) === "EADDRINUSE"
      ? `Port ${port} is taken, so the Entra stand-in cannot start. Stop what uses it, or choose another port.`
      : `The Entra stand-in cannot listen on port ${port}.`;
  return new Error(message, { cause });
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    ),
  );
}
