import type { ServerResponse } from "node:http";

/** What a handler can know of the connection that its answer goes out on. */
export interface ClientConnection {
  /** Aborted when the client goes away before the response has ended. */
  readonly disconnected: AbortSignal;
  /** Bytes that were written and that the client has not taken yet. The library itself knows no back-pressure. */
  readonly backlog: () => number;
  /** Ends the connection at once, whatever the client has not taken yet. */
  readonly cut: () => void;
}

/**
 * The Functions library never tells a handler that its client went away, and writes without back-pressure. The
 * worker's own response knows both.
 */
export function clientConnection(response: ServerResponse): ClientConnection {
  const controller = new AbortController();
  // A response that ended as it should emits `close` too, with `writableEnded` true.
  const onClose = () => {
    if (!response.writableEnded) controller.abort();
  };
  if (response.destroyed) onClose();
  else response.once("close", onClose);
  return {
    disconnected: controller.signal,
    backlog: () => response.writableLength,
    cut: () => {
      response.destroy();
    },
  };
}
