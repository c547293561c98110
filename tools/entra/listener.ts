import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { CUT, dispatch } from "./dispatch.ts";
import type { StandIn } from "./stand-in.ts";

const MAX_BODY_BYTES = 64 * 1024;

/**
 * Makes the listener that turns Node's requests into calls and answers into Node's responses.
 *
 * @param standIn the state that every request works on
 */
export function createListener(standIn: StandIn) {
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    answer(standIn, incoming, outgoing).catch((error: unknown) => {
      console.error("The Entra stand-in failed:", error);
      if (outgoing.headersSent) {
        outgoing.destroy();
      } else {
        outgoing.writeHead(500, { "content-type": "text/plain" }).end("Internal error.\n");
      }
    });
  };
}

async function answer(standIn: StandIn, incoming: IncomingMessage, outgoing: ServerResponse) {
  const url = URL.parse(incoming.url ?? "/", `http://${incoming.headers.host ?? "unknown"}`);
  const body = await readBody(incoming);
  if (!url || body === undefined) {
    outgoing.writeHead(url ? 413 : 400).end();
    return;
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headersDistinct)) {
    headers.set(name, (value ?? []).join(", "));
  }
  const response = await dispatch(standIn, {
    method: incoming.method ?? "GET",
    url,
    headers,
    body,
    correlationId:
      headers.get("client-request-id") ?? url.searchParams.get("client-request-id") ?? randomUUID(),
  });
  if (response === CUT) {
    incoming.socket.destroy();
    return;
  }
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

/** Reads a body as text; undefined where it is too long. */
async function readBody(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
