import { createServer } from "node:http";

/** A client on this machine, as an MCP client opens one for the length of a sign-in. */
export interface ClientSite {
  /** A page that opens the URL behind its `#` in a popup, and shows what comes back from there. */
  readonly appUrl: string;
  readonly redirectUri: string;
  /** What came back to the redirect URI, in order. */
  readonly received: readonly URLSearchParams[];
  stop(): Promise<void>;
}

const APP = `<!doctype html><title>The app</title><button>Connect</button><output></output><script>
document.querySelector("button").onclick = () => {
  window.popup = window.open(location.hash.slice(1), "sign-in", "popup,width=500,height=700");
};
window.onmessage = (message) => { document.querySelector("output").textContent = message.data; };
</script>`;

/** In a popup it tells the page that opened it, and goes. */
const SIGNED_IN = `<!doctype html><title>The client</title><h1>Back at the client</h1><script>
if (window.opener) {
  window.opener.postMessage(location.search, location.origin);
  window.close();
}
</script>`;

const PAGES: Readonly<Record<string, string>> = { "/app": APP, "/signed-in": SIGNED_IN };

/** Listens on a free port for what comes back from a sign-in, and says so on a page. */
export async function startClientSite(): Promise<ClientSite> {
  const received: URLSearchParams[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    if (url.pathname === "/signed-in") received.push(url.searchParams);
    const page = PAGES[url.pathname];
    response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/html" });
    response.end(page);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port was given");
  const origin = `http://127.0.0.1:${address.port}`;
  return {
    appUrl: `${origin}/app`,
    redirectUri: `${origin}/signed-in`,
    received,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
