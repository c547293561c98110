import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import {
  startFunctionsHost,
  type FunctionsHost,
  type FunctionsHostOptions,
} from "../../../tools/functions-host/start-functions-host.ts";

// These tests start processes, and a busy machine takes its time over that.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

export const FIXTURE_ROOT = fileURLToPath(new URL("./fixture-app", import.meta.url));
export const MAIN = fileURLToPath(
  new URL("../../../tools/functions-host/main.ts", import.meta.url),
);

/** A host over the fixture, with the lines that it wrote. */
export interface RunningHost {
  readonly host: FunctionsHost;
  readonly url: string;
  readonly lines: string[];
}

export async function startFixture(options: FunctionsHostOptions = {}): Promise<RunningHost> {
  const lines: string[] = [];
  const host = await startFunctionsHost({
    root: FIXTURE_ROOT,
    settingsFile: "fixture.settings.json",
    port: 0,
    onLine: (line, source) => lines.push(`${source} ${line}`),
    ...options,
  });
  const [first] = host.instances;
  if (!first) throw new Error("There is no instance.");
  return { host, url: first.url, lines };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request whose path is left as it is, and reads the whole answer. */
export function send(
  url: string,
  method: string,
  path: string,
  init: { headers?: Record<string, string | string[]>; body?: string | Uint8Array } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, path, headers: init.headers ?? {}, agent: false });
    request.on("error", reject);
    request.on("response", (response) => {
      response.setEncoding("utf8");
      let body = "";
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    request.end(init.body);
  });
}

/** Asks again every few milliseconds until there is an answer; gives up after `limitMs`. */
export async function eventually<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  limitMs = 8_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  throw new Error(`Nothing came within ${limitMs} ms.`);
}

/** Whether a process of this id runs; one that nobody has reaped yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== "linux" || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/* oxlint-disable typescript/no-unnecessary-type-parameters, typescript/no-unsafe-type-assertion */
/** Parses what the fixture sent; it is next door, so its shape is taken on trust. */
export function parse<T>(json: string): T {
  return JSON.parse(json) as T;
}
/* oxlint-enable typescript/no-unnecessary-type-parameters, typescript/no-unsafe-type-assertion */

/** A server that takes a free port, and the port. */
export async function takePort(): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  const release = async (): Promise<void> => {
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: address.port, release };
}
