import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { isIPv6 } from "node:net";
import { forwardRequest, workerConnections } from "./forward-request.ts";
import { httpInvocation } from "./http-invocation.ts";
import type { Invocation } from "./invoke.ts";
import { readLengthBody } from "./read-body.ts";
import { decodePath, encodePath } from "./request-path.ts";
import type { Router } from "./router.ts";

/** What the front needs to know of the app behind it. */
export interface FrontOptions {
  readonly route: Router;
  readonly httpUri: URL;
  /** `AzureWebJobsDisableHomepage`: without it the host's own page hides a function at `/`. */
  readonly isHomepageDisabled: boolean;
  readonly recordsTraces: boolean;
  /** `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT`: a longer body is an empty 500. */
  readonly bodyLimitBytes: number;
  readonly activityTimeoutMs: number;
  /** Told of everything that comes from the worker. */
  readonly onActivity: () => void;
  /** Sends the invocation to the worker, beside the forwarded request. */
  readonly invoke: (invocation: Invocation) => void;
}

const KEEP_ALIVE_MS = 130_000;
const HEADERS_TIMEOUT_MS = 30_000;
const PORT_ATTEMPTS = 20;
const HOMEPAGE = `<!doctype html><title>Functions</title>
<p>Your Functions app is up and running. Set AzureWebJobsDisableHomepage=true to serve this page yourself.</p>`;

/**
 * The listener of the host: decodes the path, finds the function, starts the invocation and forwards the request.
 * What no function serves is 404 with an empty body, an unlisted method too.
 */
export function createFront(options: FrontOptions): RequestListener {
  const target = {
    httpUri: withoutLookup(options.httpUri),
    agent: workerConnections(),
    activityTimeoutMs: options.activityTimeoutMs,
    onActivity: options.onActivity,
  };
  return (request, response) => {
    serve(request, response).catch(() => response.destroy());
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [rawPath = "", query = ""] = splitTarget(request.url ?? "");
    const path = rawPath.startsWith("/") ? decodePath(rawPath) : undefined;
    if (path === undefined) {
      response.writeHead(400, { "content-length": 0, connection: "close" }).end();
      return;
    }
    if (path === "/" && !options.isHomepageDisabled) {
      response.writeHead(200, { "content-type": "text/html" }).end(HOMEPAGE);
      return;
    }
    const match = options.route(request.method ?? "", path);
    if (!match) {
      // The disabled homepage answers the root that no function serves with 204.
      response
        .writeHead(path === "/" ? 204 : 404, path === "/" ? {} : { "content-length": 0 })
        .end();
      return;
    }
    if (hasImpossiblePort(request.headers.host)) {
      response.writeHead(500, { "content-length": 0 }).end();
      return;
    }
    const body = await readLengthBody(request, options.bodyLimitBytes);
    if (body === "too large") {
      response.writeHead(500, { "content-length": 0, connection: "close" }).end();
      request.resume();
      return;
    }
    const invocation = httpInvocation(request, { query, body }, match, options);
    options.invoke(invocation);
    const forwardedPath = encodePath(path) + (request.url?.includes("?") ? `?${query}` : "");
    forwardRequest(request, response, target, {
      path: forwardedPath,
      invocationId: invocation.invocationId,
      body,
    });
  }
}

/**
 * Listens on 127.0.0.1 and, where the machine has it, on ::1, on the same port.
 *
 * @param port 0 picks a free one
 * @returns the servers and the port
 * @throws the error of `listen`, such as `EADDRINUSE`
 */
export async function listenOnLoopback(
  listener: RequestListener,
  port: number,
): Promise<{ servers: Server[]; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const first = await listen(listener, "127.0.0.1", port);
    const bound = portOf(first);
    try {
      const second = await listen(listener, "::1", bound);
      return { servers: [first, second], port: bound };
    } catch (error) {
      if (["EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(errorCode(error))) {
        return { servers: [first], port: bound };
      }
      first.close();
      if (port !== 0 || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** The code of a system error, or an empty string. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function listen(listener: RequestListener, address: string, port: number): Promise<Server> {
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: 0,
  });
  server.on("request", listener);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address, port, ipv6Only: isIPv6(address) }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

/** The host writes down the address of each call, and fails with a port that there cannot be. */
function hasImpossiblePort(host: string | undefined): boolean {
  return Number(/:(\d+)$/.exec(host ?? "")?.[1] ?? 0) > 65_535;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}

/** The request target may also be a whole URL (RFC 9112 §3.2.2). */
function splitTarget(target: string): string[] {
  const local = target.replace(/^https?:\/\/[^/?]*/i, "");
  const question = local.indexOf("?");
  return question < 0 ? [local] : [local.slice(0, question), local.slice(question + 1)];
}

/** The library names itself `localhost` and listens on every address: no look-up is needed to reach it. */
function withoutLookup(httpUri: URL): URL {
  const direct = new URL(httpUri);
  if (direct.hostname === "localhost") direct.hostname = "127.0.0.1";
  return direct;
}
