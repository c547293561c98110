import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { LRUCache } from "lru-cache";

const INVOCATION_ID_HEADER = "x-ms-invocation-id";

/** A response is looked up within milliseconds of its start; this bounds what is never looked up. */
const responses = new LRUCache<string, ServerResponse>({ max: 10_000 });

// The Functions library never tells a handler that its client went away. But the worker receives each
// request as a Node http request of its own that carries the invocation id, and Node announces every
// one of them here, before any handler runs.
subscribe("http.server.request.start", (message) => {
  if (!isRequestStart(message)) return;
  const id = message.request.headers[INVOCATION_ID_HEADER];
  if (typeof id === "string") responses.set(id, message.response);
});

/** What a handler can know of the connection that its answer goes out on. */
export interface ClientConnection {
  /** Aborted when the client goes away before the response has ended. */
  readonly disconnected: AbortSignal;
  /** False where the worker does not stream HTTP: then `disconnected` is never aborted. */
  readonly seesDisconnect: boolean;
  /** Bytes that were written and that the client has not taken yet. The library itself knows no back-pressure. */
  readonly backlog: () => number;
  /** Ends the connection at once, whatever the client has not taken yet. */
  readonly cut: () => void;
}

/** @param invocationId Of the call, as the Functions host made it. */
export function clientConnection(invocationId: string): ClientConnection {
  const controller = new AbortController();
  const response = responses.get(invocationId);
  responses.delete(invocationId);
  // A response that ended as it should emits `close` too, with `writableEnded` true.
  const onClose = () => {
    if (response?.writableEnded === false) controller.abort();
  };
  if (response?.destroyed === true) onClose();
  else response?.once("close", onClose);
  return {
    disconnected: controller.signal,
    seesDisconnect: response !== undefined,
    backlog: () => response?.writableLength ?? 0,
    cut: () => {
      response?.destroy();
    },
  };
}

function isRequestStart(
  message: unknown,
): message is { request: IncomingMessage; response: ServerResponse } {
  return (
    typeof message === "object" && message !== null && "request" in message && "response" in message
  );
}
