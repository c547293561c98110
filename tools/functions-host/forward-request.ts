import {
  Agent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";

/** Where and how requests are forwarded to the worker. */
export interface ForwardTarget {
  readonly httpUri: URL;
  readonly agent: Agent;
  /** The host gives up on an exchange in which nothing has moved for this long, in milliseconds. */
  readonly activityTimeoutMs: number;
  /** Told of everything that comes from the worker. */
  readonly onActivity: () => void;
}

const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
// Kestrel reads what is left of an answered request's body for this long before it closes the connection.
const DRAIN_MS = 5_000;
// `SocketsHttpHandler.PooledConnectionIdleTimeout`.
const IDLE_CONNECTION_MS = 60_000;

/**
 * The connections to the worker, kept as .NET keeps them: an idle one is let go a second before the time that the
 * worker named in `Keep-Alive` is over. Used in the moment in which the worker closes it, it would lose a request.
 *
 * @see https://github.com/dotnet/runtime/pull/73585
 */
export function workerConnections(): Agent {
  // Node minds the header only where a timeout of its own is set.
  return new Agent({ keepAlive: true, timeout: IDLE_CONNECTION_MS });
}

/**
 * Forwards one request to the library's HTTP proxy and its answer back, as YARP does with the host's settings: at the
 * pace of the slower side, both bodies at once, `X-Forwarded-For`, `-Host` and `-Proto` set, and the invocation id
 * set over whatever the caller sent. A client that goes away ends the forwarded request at once, which is how the
 * worker learns of it.
 *
 * @param body What was read of it before, whole; otherwise it is still to come.
 * @see README.md, "The worker's contract": a request
 */
export function forwardRequest(
  incoming: IncomingMessage,
  response: ServerResponse,
  target: ForwardTarget,
  {
    path,
    invocationId,
    body,
  }: { path: string; invocationId: string; body: Uint8Array | undefined },
): void {
  const outgoing = httpRequest({
    agent: target.agent,
    host: target.httpUri.hostname,
    port: target.httpUri.port,
    method: incoming.method,
    path,
    headers: requestHeaders(incoming, target.httpUri, invocationId),
  });
  const idle = setTimeout(() => {
    fail(response, 504);
    outgoing.destroy();
  }, target.activityTimeoutMs);
  incoming.on("data", () => idle.refresh());

  outgoing.on("error", () => fail(response, 502));
  const active = (): void => {
    idle.refresh();
    target.onActivity();
  };
  outgoing.on("response", (answer) => {
    active();
    if (!incoming.complete) closeAfterBody(incoming, response);
    sendAnswer(answer, response);
    answer.on("data", active);
    answer.on("error", () => response.destroy());
    answer.on("end", () => {
      if (!incoming.complete) discardBody(incoming, outgoing);
    });
  });
  response.on("close", () => {
    clearTimeout(idle);
    if (!response.writableFinished) outgoing.destroy();
  });
  if (body !== undefined) {
    outgoing.end(body);
    return;
  }
  // The head leaves before the body has begun, as YARP flushes it: the worker may answer without the body.
  if (hasBody(incoming)) outgoing.flushHeaders();
  incoming.pipe(outgoing);
}

function requestHeaders(
  { headersDistinct, headers, socket }: IncomingMessage,
  httpUri: URL,
  invocationId: string,
): OutgoingHttpHeaders {
  const dropped = connectionHeaders(headers.connection);
  const forwarded: OutgoingHttpHeaders = {};
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    if (dropped.has(name) || name === "expect") continue;
    forwarded[name] = values.length === 1 ? values[0] : values;
  }
  // Without a length Node frames a body only for methods that usually have one.
  if (headers["transfer-encoding"] !== undefined) forwarded["transfer-encoding"] = "chunked";
  return {
    ...forwarded,
    host: httpUri.host,
    "x-forwarded-for": socket.remoteAddress ?? "",
    "x-forwarded-host": headers.host ?? "",
    "x-forwarded-proto": "http",
    "x-ms-invocation-id": invocationId,
  };
}

function sendAnswer(answer: IncomingMessage, response: ServerResponse): void {
  const dropped = connectionHeaders(answer.headers.connection);
  const kept: string[] = [];
  for (let index = 0; index < answer.rawHeaders.length; index += 2) {
    const name = answer.rawHeaders[index] ?? "";
    if (!dropped.has(name.toLowerCase())) kept.push(name, answer.rawHeaders[index + 1] ?? "");
  }
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? "", kept);
  answer.pipe(response);
}

/** The headers that end at this hop: the usual ones and those that `Connection` names (RFC 9110 §7.6.1). */
function connectionHeaders(connection: string | undefined): Set<string> {
  const named = (connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  return new Set([...HOP_BY_HOP, ...named]);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/**
 * With `Connection: close` Node would close the connection together with the answer; the caller, still sending, would
 * get a reset and lose the answer.
 */
function closeAfterBody(incoming: IncomingMessage, response: ServerResponse): void {
  if (response.shouldKeepAlive) return;
  response.shouldKeepAlive = true;
  response.on("finish", () => {
    if (incoming.complete) incoming.socket.end();
    else incoming.on("end", () => incoming.socket.end());
  });
}

/** Lets a caller whose early answer has left finish its upload, within bounds, so that it reads the answer. */
function discardBody(incoming: IncomingMessage, outgoing: ReturnType<typeof httpRequest>): void {
  incoming.unpipe(outgoing);
  outgoing.destroy();
  incoming.resume();
  const giveUp = setTimeout(() => incoming.destroy(), DRAIN_MS);
  incoming.on("close", () => clearTimeout(giveUp));
}

function fail(response: ServerResponse, status: number): void {
  if (response.writableEnded) return;
  if (response.headersSent) {
    response.destroy();
  } else {
    response.writeHead(status, { "content-length": 0 }).end();
  }
}
