import { type IncomingMessage, request } from "node:http";

/** A stream of `GET /sse` without an SDK around it: its bytes, its endpoint, its socket. */
export interface RawStream {
  /** Where this stream's messages are posted. */
  readonly endpoint: URL;
  /** Everything that has arrived. */
  text(): string;
  /** Destroys the socket, as a client does that crashes or loses its network. */
  drop(): void;
}

/** Opens a stream and waits for its first event, which names the endpoint. */
export function openStream(baseUrl: string, accessToken: string): Promise<RawStream> {
  return new Promise((resolve, reject) => {
    const headers = { accept: "text/event-stream", authorization: `Bearer ${accessToken}` };
    const outgoing = request(new URL("/sse", baseUrl), { headers, agent: false });
    outgoing.on("error", reject);
    outgoing.on("response", (response: IncomingMessage) => {
      if (response.statusCode !== 200) reject(new Error(`no stream: ${response.statusCode}`));
      response.on("error", reject);
      response.setEncoding("utf8");
      let text = "";
      response.on("data", (chunk: string) => {
        text += chunk;
        const path = /^event: endpoint\ndata: (.+)$/m.exec(text)?.[1];
        if (path === undefined) return;
        resolve({
          endpoint: new URL(path, baseUrl),
          text: () => text,
          drop: () => void outgoing.destroy(),
        });
      });
    });
    outgoing.end();
  });
}

/** Posts a JSON-RPC message to a stream's endpoint. @returns The HTTP status. */
export async function postMessage(
  endpoint: URL,
  accessToken: string,
  message: { id: number; method: string; params?: object },
): Promise<number> {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${accessToken}` },
    body: JSON.stringify({ jsonrpc: "2.0", ...message }),
  });
  await response.body?.cancel();
  return response.status;
}
