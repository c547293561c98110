import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { LRUCache } from "lru-cache";

const INVOCATION_ID_HEADER = "x-ms-invocation-id";

/** A request as the worker received it from the host, over a socket, and the response that answers it. */
export interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
}

/** An exchange is taken within milliseconds of its start; this bounds what nobody takes. */
const exchanges = new LRUCache<string, Exchange>({ max: 10_000 });

// The worker receives each request as a Node http request of its own that carries the invocation id, and Node
// announces every one of them here, before the library sees it. What it says is the wire's word: the host
// overwrites the id, and nothing in the trigger metadata can change it.
subscribe("http.server.request.start", (event) => {
  if (!isRequestStart(event)) return;
  const { request: message, response } = event;
  const id = message.headers[INVOCATION_ID_HEADER];
  if (typeof id !== "string") return;
  exchanges.set(id, { message, response });
  // The library makes a URL of these two before any handler runs, and a host name that makes none would leave
  // the caller without an answer. Nobody reads that URL; what the caller sent stays in `rawHeaders`.
  message.headers["x-forwarded-host"] = "localhost";
  message.headers["x-forwarded-proto"] = "http";
});

/** @returns The exchange of an invocation, which stays. */
export function peekExchange(invocationId: string): Exchange | undefined {
  return exchanges.peek(invocationId);
}

/**
 * @param invocationId Of the call, as the Functions host made it.
 * @returns Its exchange, once; undefined where the worker has received none.
 */
export function takeExchange(invocationId: string): Exchange | undefined {
  const exchange = exchanges.peek(invocationId);
  exchanges.delete(invocationId);
  return exchange;
}

function isRequestStart(
  event: unknown,
): event is { request: IncomingMessage; response: ServerResponse } {
  return typeof event === "object" && event !== null && "request" in event && "response" in event;
}
