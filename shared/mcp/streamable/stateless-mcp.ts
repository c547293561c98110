import { createMcpHandler, type McpHttpHandler, ProtocolError } from "@modelcontextprotocol/server";
import type { Clock } from "../../clock.ts";
import type { RequestContext } from "../../http/context.ts";
import type { Watching } from "../../live/watching.ts";
import type { Log } from "../../log.ts";
import { type Random, randomId } from "../../random.ts";
import type { PollPace } from "../../relay/poll-pace.ts";
import type { Station } from "../../relay/station.ts";
import type { Caller } from "../../sessions/bearer.ts";
import { callContext, type CallContextDeps } from "../call-context.ts";
import type { ConnectionRows } from "../connection-rows.ts";
import type { Connections } from "../connections.ts";
import type { FeatureCalls } from "../feature-calls.ts";
import { unfinished } from "../instance-gone.ts";
import { isRequestId } from "../json-rpc.ts";
import { ROW_MARGIN_MS, streamLifetime } from "../stream-lifetime.ts";
import { CallerInfo } from "./caller-info.ts";
import { CallsInProgress } from "./calls-in-progress.ts";
import { FeatureServer } from "./feature-server.ts";
import { ListenConnection } from "./listen-connection.ts";
import { patiently } from "./patient-response.ts";

export interface StatelessMcpDeps extends CallContextDeps {
  readonly calls: FeatureCalls;
  readonly station: Station;
  readonly pace: PollPace;
  readonly connections: Connections;
  readonly connectionRows: ConnectionRows;
  readonly watching: Watching;
  readonly streamLifetimeSeconds: number;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * The SDK keeps no more of a request than its signal, and Node has that one follow ours only while the request
 * itself is held: it is, for as long as its client's connection.
 */
const requests = new WeakMap<AbortSignal, Request>();

/** Streamable HTTP as of 2026-07-28: each request is complete in itself, and any instance answers it. */
export class StatelessMcp {
  readonly #deps: StatelessMcpDeps;
  readonly #callFor: ReturnType<typeof callContext>;
  readonly #inProgress: CallsInProgress;

  constructor(deps: StatelessMcpDeps) {
    this.#deps = deps;
    this.#callFor = callContext(deps);
    this.#inProgress = new CallsInProgress(deps);
  }

  /** `POST`: a request. @param body Parsed; its faults are answered here. */
  post(
    request: Request,
    body: unknown,
    caller: Caller,
    context: RequestContext,
  ): Promise<Response> {
    return methodOf(body) === "subscriptions/listen"
      ? this.#listen(request, body, caller, context)
      : this.#exchange(this.#handler(context.log), request, body, caller, context);
  }

  /** Ends the calls in progress, when the instance is about to go: with their answer, or with an error. */
  close(): Promise<void> {
    return this.#inProgress.finish();
  }

  #exchange(
    handler: McpHttpHandler,
    { url, headers }: Request,
    body: unknown,
    caller: Caller,
    context: RequestContext,
  ): Promise<Response> {
    // Closing the stream is a cancellation (MCP 2026-07-28, Streamable HTTP): its end is the request's signal.
    const { disconnected } = context;
    const request = new Request(url, { method: "POST", headers, signal: disconnected });
    requests.set(disconnected, request);
    const answer = handler.fetch(request, { parsedBody: body, authInfo: new CallerInfo(caller) });
    const failure = JSON.stringify(unfinished(idOf(body)));
    return patiently(answer, { client: context, calls: this.#inProgress, failure });
  }

  async #listen(
    request: Request,
    body: unknown,
    caller: Caller,
    context: RequestContext,
  ): Promise<Response> {
    const { connections, connectionRows, pace, station, watching, clock, random } = this.#deps;
    const id = randomId(random);
    const key = { partition: caller.session.userKey, row: id };
    const lifetimeMs = streamLifetime(this.#deps.streamLifetimeSeconds, random);
    const close = () => handler.close();
    const retirement = setTimeout(() => void close(), lifetimeMs);
    retirement.unref();
    const ended = () => {
      clearTimeout(retirement);
      connections.remove(id);
      void forget();
    };
    const forget = async () => {
      try {
        await connectionRows.close(key);
      } catch (error) {
        // It goes by its expiry.
        context.log.error("connection-row-not-written", error, { connection: id });
      }
      await watching.subscriptionsChanged(caller.session, connection.subscriptions, []);
    };
    const connection = new ListenConnection(id, caller, body, close, ended);
    const handler = this.#handler(context.log, connection);
    pace.traffic(clock.now());
    const { session } = caller;
    const open = async () => {
      // Listed before it is acknowledged: no change is missed from then on.
      await station.open(async (instance) => {
        await connectionRows.open(key, {
          kind: "listen",
          sessionId: session.id,
          instance,
          expiresAt: clock.now() + lifetimeMs + ROW_MARGIN_MS,
          continued: false,
          state: { subscriptions: connection.subscriptions },
        });
        station.requireHeld(instance);
        connections.add(connection);
      });
      await watching.subscriptionsChanged(session, [], connection.subscriptions);
      return this.#exchange(handler, request, body, caller, context);
    };
    const response = await open().finally(() => {
      if (!connection.listening) ended();
    });
    if (!connection.listening) return response;
    context.log.audit("stream-opened", {
      outcome: "success",
      actor: session.userKey,
      session: session.id,
      client: session.clientId,
    });
    return response;
  }

  #handler(log: Log, bus?: ListenConnection): McpHttpHandler {
    const { calls } = this.#deps;
    const server = () =>
      new FeatureServer({
        calls,
        callFor: this.#callFor,
        beforeOwnEnd: () => undefined,
      });
    return createMcpHandler(server, {
      legacy: "reject",
      // Ours go on where the SDK would be silent before its first event.
      keepAliveMs: 0,
      onerror: (error) => report(log, error),
      ...(bus !== undefined && { bus }),
    });
  }
}

/** The SDK's messages repeat what clients have sent: of a refusal, only its kind is for the log. */
function report(log: Log, error: Error): void {
  const rejected = /^Rejected [^(]*\(([a-z-]+)\)/.exec(error.message)?.[1];
  if (rejected !== undefined) log.info("mcp-request-rejected", { reason: rejected });
  else if (error instanceof ProtocolError) log.info("mcp-request-rejected", { code: error.code });
  else log.error("mcp-request-failed", error);
}

function methodOf(body: unknown): unknown {
  return typeof body === "object" && body !== null && "method" in body ? body.method : undefined;
}

function idOf(body: unknown): string | number {
  if (typeof body !== "object" || body === null || !("id" in body)) return "";
  const { id } = body;
  return isRequestId(id) ? id : "";
}
