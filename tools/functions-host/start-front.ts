import { Worker as Thread } from "node:worker_threads";
import type { Invocation } from "./invoke.ts";
import type { HttpFunction } from "./router.ts";

/** What the front's thread starts with. */
export interface FrontData {
  readonly functions: readonly HttpFunction[];
  readonly routePrefix: string;
  readonly httpUri: string;
  readonly isHomepageDisabled: boolean;
  readonly recordsTraces: boolean;
  readonly bodyLimitBytes: number;
  readonly activityTimeoutMs: number;
  readonly port: number;
}

export type FrontMessage =
  | { readonly type: "invoke"; readonly invocation: Invocation }
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "failed"; readonly code: string; readonly message: string };

export type FrontCommand =
  { readonly type: "stopListening" } | { readonly type: "settle"; readonly done: Int32Array };

/** The front of an instance, seen from the app's side. */
export interface Front {
  readonly port: number;
  /** Takes no new connections; those that are open go on. */
  stopListening(): void;
  /** Holds this thread, and with it all of the app, while the front hands on what it has; then nothing is left. */
  settle(): void;
}

const SETTLE_LIMIT_MS = 1_000;

/**
 * Starts the front in its own thread.
 *
 * @param onInvocation receives each invocation in the order of the requests
 * @throws Error when it cannot listen; one that is in use is named with the setting that changes it
 */
export function startFront(
  data: FrontData,
  onInvocation: (invocation: Invocation) => void,
): Promise<Front> {
  const thread = new Thread(new URL("./front-thread.ts", import.meta.url), { workerData: data });
  const command = (message: FrontCommand): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    thread.postMessage(message);
  };
  return new Promise((resolve, reject) => {
    thread.on("error", (error) => {
      reject(error);
      throw error;
    });
    thread.on("message", (message: FrontMessage) => {
      switch (message.type) {
        case "invoke":
          onInvocation(message.invocation);
          break;
        case "failed":
          reject(new Error(explain(message, data.port)));
          break;
        case "listening":
          resolve({
            port: message.port,
            stopListening: () => command({ type: "stopListening" }),
            settle: () => {
              const done = new Int32Array(new SharedArrayBuffer(4));
              command({ type: "settle", done });
              Atomics.wait(done, 0, 0, SETTLE_LIMIT_MS);
            },
          });
          break;
      }
    });
  });
}

function explain({ code, message }: { code: string; message: string }, port: number): string {
  if (code !== "EADDRINUSE") return message;
  return `Port ${port} is in use (EADDRINUSE). Choose another one with --port.`;
}
