import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export interface LocalServer {
  readonly url: string;
  /** Cuts every connection. */
  stop(): Promise<void>;
}

/** A small http server on loopback that answers as a test wants it. */
export async function startLocalServer(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<LocalServer> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
