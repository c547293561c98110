import { createServer } from "node:http";

/** A client on this machine, as an MCP client opens one for the length of a sign-in. */
export interface ClientSite {
  readonly redirectUri: string;
  /** What came back to the redirect URI, in order. */
  readonly received: readonly URLSearchParams[];
  stop(): Promise<void>;
}

/** Listens on a free port for what comes back from a sign-in, and says so on a page. */
export async function startClientSite(): Promise<ClientSite> {
  const received: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname === "/signed-in") received.push(url.searchParams);
    response.writeHead(url.pathname === "/signed-in" ? 200 : 404, { "content-type": "text/html" });
    response.end("<!doctype html><title>The client</title><h1>Back at the client</h1>");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return {
    redirectUri: `http://127.0.0.1:${address.port}/signed-in`,
    received,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
