import type { Server } from "node:http";
import { parentPort, workerData } from "node:worker_threads";
import { createFront, errorCode, listenOnLoopback } from "./http-front.ts";
import type { FrontCommand, FrontData, FrontMessage } from "./start-front.ts";
import { createRouter } from "./router.ts";

// The host in front of the worker is a program of its own: here a thread, so that the app's process-wide view (its
// event loop, its `http.server.request.start` channel) holds nothing of it.

const SETTLE_STEP_MS = 10;
const SETTLE_QUIET_STEPS = 3;
const SETTLE_STEPS = 40;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- from start-front.ts, in the same process
const data = workerData as FrontData;
const send = (message: FrontMessage): void => {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
};
let activity = 0;
const { route } = createRouter(data.functions, data.routePrefix);
const listener = createFront({
  route,
  httpUri: new URL(data.httpUri),
  isHomepageDisabled: data.isHomepageDisabled,
  recordsTraces: data.recordsTraces,
  bodyLimitBytes: data.bodyLimitBytes,
  activityTimeoutMs: data.activityTimeoutMs,
  onActivity: () => {
    activity += 1;
  },
  invoke: (invocation) => send({ type: "invoke", invocation }),
});

try {
  const { servers, port } = await listenOnLoopback(listener, data.port);
  parentPort?.on("message", (command: FrontCommand) => {
    if (command.type === "stopListening") for (const server of servers) server.close();
    else void settle(servers, command.done);
  });
  send({ type: "listening", port });
} catch (error) {
  send({ type: "failed", code: errorCode(error), message: String(error) });
}

/**
 * Hands on to the clients what the worker had sent before it left, then closes every connection. The worker is held
 * still meanwhile, so that nothing it would have done after its end arrives.
 */
async function settle(servers: readonly Server[], done: Int32Array): Promise<void> {
  let quietSteps = 0;
  let seen = activity;
  for (let step = 0; step < SETTLE_STEPS && quietSteps < SETTLE_QUIET_STEPS; step += 1) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP_MS));
    quietSteps = seen === activity ? quietSteps + 1 : 0;
    seen = activity;
  }
  for (const server of servers) server.closeAllConnections();
  Atomics.store(done, 0, 1);
  Atomics.notify(done, 0);
}
