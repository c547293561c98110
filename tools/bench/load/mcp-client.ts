import {
  authorization,
  echoCall,
  type LoadClient,
  type LoadTarget,
  requireEcho,
} from "./client.ts";
import { WireConnection, type WireResponse } from "./wire.ts";

const ACCEPT = "Accept: application/json, text/event-stream\r\n";

/** What a call says in its headers, as of 2026-07-28. */
export const MODERN_HEADERS = {
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": "2026-07-28",
  "mcp-method": "tools/call",
  "mcp-name": "echo",
};

/** @returns The header lines of any other request. */
export function modernHeaders(method: string): string {
  return `${ACCEPT}MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: ${method}\r\n`;
}

/** And in its parameters. */
export const MODERN_META =
  `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
  `"io.modelcontextprotocol/clientInfo":{"name":"load","version":"1"},` +
  `"io.modelcontextprotocol/clientCapabilities":{}}`;

/** @param params The members of its parameters, as JSON. */
export function modernRequest(id: number, method: string, params: string): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{${params}${MODERN_META}}}`;
}

/** A client of Streamable HTTP as of 2026-07-28: each call says all there is to say. */
export async function openModernClient(target: LoadTarget): Promise<LoadClient> {
  const connection = await WireConnection.open(target.postUrl);
  const lines = Object.entries(MODERN_HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
  const headers = `${lines.join("")}${authorization(target.token)}`;
  let ids = 0;
  return {
    async call(text) {
      const id = ++ids;
      const answer = await connection.post("/mcp", headers, echoCall(id, text, MODERN_META));
      requireEcho(messageIn(answer), id, text);
    },
    close: () => connection.close(),
  };
}

/**
 * Begins a session of Streamable HTTP as of 2025-11-25.
 *
 * @returns The connection for its requests, and the header lines of each.
 */
export async function beginSession(
  target: LoadTarget,
): Promise<{ connection: WireConnection; headers: string }> {
  const connection = await WireConnection.open(target.postUrl);
  const first = `${ACCEPT}${authorization(target.token)}MCP-Protocol-Version: 2025-11-25\r\n`;
  const started = await connection.post(
    "/mcp",
    first,
    `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"load","version":"1"}}}`,
  );
  const session = /^mcp-session-id: *(\S+)/im.exec(started.head)?.[1];
  if (session === undefined) throw new Error(`no session: ${started.head}\n${started.body}`);
  const headers = `${first}Mcp-Session-Id: ${session}\r\n`;
  await connection.post("/mcp", headers, `{"jsonrpc":"2.0","method":"notifications/initialized"}`);
  return { connection, headers };
}

/** A client of Streamable HTTP as of 2025-11-25, with a session. */
export async function openSessionClient(target: LoadTarget): Promise<LoadClient> {
  const { connection, headers } = await beginSession(target);
  let ids = 0;
  return {
    async call(text) {
      const id = ++ids;
      const answer = await connection.post("/mcp", headers, echoCall(id, text));
      requireEcho(messageIn(answer), id, text);
    },
    close: () => connection.close(),
  };
}

/** A client of a function that answers with the text that it was sent. */
export async function openPlainClient(target: LoadTarget): Promise<LoadClient> {
  const connection = await WireConnection.open(target.postUrl);
  let ids = 0;
  return {
    async call(text) {
      const id = ++ids;
      const answer = await connection.post("/trivial", "", echoCall(id, text));
      requireEcho(answer.body, id, text);
    },
    close: () => connection.close(),
  };
}

/** @returns The message that answers a request: in JSON, or the last event of a stream. */
function messageIn({ status, head, body }: WireResponse): string {
  if (status !== 200) throw new Error(`not answered: ${head}\n${body}`);
  if (!/^content-type: *text\/event-stream/im.test(head)) return body;
  return /data: (.+)\n\n$/.exec(body)?.[1] ?? "";
}
