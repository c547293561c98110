import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { OneAnswer, OneRequest } from "../cold-start/worker.ts";
import { echoCall } from "../load/client.ts";
import { median } from "../load/latencies.ts";
import { MODERN_HEADERS, MODERN_META } from "../load/mcp-client.ts";
import type { StartFigures } from "../results.ts";

const SAMPLES = 11;

export interface ColdStartOptions {
  /** Where the deployment package is. */
  readonly packageRoot: URL;
  /** A folder for the worker. */
  readonly workFolder: URL;
  readonly env: Readonly<Record<string, string>>;
  readonly token: string;
}

/** From the start of a process to its first answer: a worker that loads the package, as it is deployed. */
export async function coldStarts({
  packageRoot,
  workFolder,
  env,
  token,
}: ColdStartOptions): Promise<StartFigures[]> {
  const worker = new URL("worker.mjs", workFolder);
  // One file of JavaScript, as the genuine worker is.
  await build({
    entryPoints: [fileURLToPath(new URL("../cold-start/worker.ts", import.meta.url))],
    outfile: fileURLToPath(worker),
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "warning",
  });
  const root = fileURLToPath(packageRoot);
  const trivial = fileURLToPath(new URL("../trivial-function/", import.meta.url));
  const host = { host: "localhost:7071" };
  const ours = { root, main: "main.js" };
  const starts: { what: string; request: OneRequest }[] = [
    {
      what: "a trivial function",
      request: {
        root: trivial,
        main: "main.mjs",
        functionName: "trivial",
        method: "GET",
        path: "/trivial",
        headers: host,
      },
    },
    {
      what: "/health",
      request: { ...ours, functionName: "health", method: "GET", path: "/health", headers: host },
    },
    {
      what: "a tool call on /mcp: keys, session and all",
      request: {
        ...ours,
        functionName: "mcp",
        method: "POST",
        path: "/mcp",
        headers: {
          ...host,
          ...MODERN_HEADERS,
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
        },
        body: echoCall(1, "hello", MODERN_META),
      },
    },
  ];
  const taken = starts.map(() => [] as number[]);
  // In turns, so that whatever else the machine does is done to all.
  for (let n = 0; n < SAMPLES; n++) {
    for (const [which, { request }] of starts.entries()) {
      taken[which]?.push(await coldStart(worker, request, env));
    }
  }
  return starts.map(({ what }, which) => {
    const all = taken[which] ?? [];
    return {
      what,
      median: median(all),
      fastest: Math.min(...all),
      slowest: Math.max(...all),
    };
  });
}

async function coldStart(
  worker: URL,
  request: OneRequest,
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const startedAt = performance.timeOrigin + performance.now();
  const child = fork(worker, [JSON.stringify(request)], {
    env: { ...process.env, ...env },
    // Its log is made, and goes nowhere.
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const exited = once(child, "exit");
  const answered = once(child, "message") as Promise<[OneAnswer]>;
  const failed = exited.then(() => Promise.reject(new Error(`${request.path}: no answer`)));
  const [{ at, status }] = await Promise.race([answered, failed]);
  await exited;
  if (status !== 200) throw new Error(`${request.path} was answered with ${status}`);
  return at - startedAt;
}
