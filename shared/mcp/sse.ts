import type { Handler, RequestContext } from "../http/context.ts";
import type { Station } from "../relay/station.ts";
import type { BearerCheck, Caller } from "../sessions/bearer.ts";
import { callContext, type CallContextDeps } from "./call-context.ts";
import { newStreamId, NO_STATE, protocolState } from "./connection-rows.ts";
import { EVENT_STREAM_HEADERS, EventStreamBody } from "./event-stream-body.ts";
import type { FeatureCalls } from "./feature-calls.ts";
import { waitOutOutage } from "./outage-patience.ts";
import { SseConnection, type SseConnectionDeps } from "./sse-connection.ts";
import { earlierConnections, type RecoveryDeps, recoverFrom } from "./sse-recovery.ts";
import { createSseServer } from "./sse-server.ts";
import { SseTransport } from "./sse-transport.ts";
import { ROW_MARGIN_MS, streamLifetime } from "./stream-lifetime.ts";

/** `GET /sse`: opens the stream of HTTP+SSE (MCP 2024-11-05) and a protocol server behind it. */
export function sseHandler(
  deps: SseConnectionDeps &
    CallContextDeps &
    RecoveryDeps & {
      bearer: BearerCheck;
      station: Station;
      calls: FeatureCalls;
      streamLifetimeSeconds: number;
    },
): Handler {
  const callOf = callContext(deps);
  return (request, context) => {
    // The same in every try: one that seemed to fail may have listed it.
    const id = newStreamId(deps.clock, deps.random);
    return waitOutOutage(deps.clock, context.disconnected, async () => {
      const caller = await deps.bearer.check(request, "/sse");
      return deps.station.open((instance) => openStream(id, caller, instance, context));
    });
  };

  async function openStream(
    id: string,
    caller: Caller,
    instance: string,
    context: RequestContext,
  ): Promise<Response> {
    const { session } = caller;
    const streams = await deps.connectionRows.newestStreams(session.userKey);
    const earlier = earlierConnections(streams, session.id).filter(({ key }) => key.row !== id);
    // A client that comes back does not initialize again (MCP 2024-11-05 clients): its last words count.
    const state = earlier[0] === undefined ? NO_STATE : protocolState(earlier[0]);

    const whenEnded: (() => void)[] = [];
    const body = new EventStreamBody(context, () => {
      for (const stop of whenEnded) stop();
      connection.streamEnded();
    });
    const transport = new SseTransport(`/message?connection=${id}`, body, (answer) =>
      connection.undelivered(answer),
    );
    const { server, announce } = createSseServer(
      deps.calls,
      (wire) => callOf(connection.session, wire),
      // A call that ends its own session is answered before its stream closes.
      (requestId) => ({ beforeOwnEnd: () => transport.answerBeforeClosing(requestId) }),
      { told: () => connection.state, changed: (told) => connection.told(told) },
    );
    const parts = { id, session, server, transport, body, announce, log: deps.log };
    const connection = new SseConnection(deps, parts, state);
    server.onclose = () => connection.closed();

    const lifetimeMs = streamLifetime(deps.streamLifetimeSeconds, deps.random);
    const expiresAt = deps.clock.now() + lifetimeMs + ROW_MARGIN_MS;
    const continued = earlier.length > 0;
    const row = {
      kind: "sse" as const,
      sessionId: session.id,
      instance,
      expiresAt,
      continued,
      state,
    };
    await deps.connectionRows.open({ partition: session.userKey, row: id }, row);
    deps.station.requireHeld(instance);
    deps.connections.add(connection);
    await server.connect(transport);
    const retirement = setTimeout(() => connection.retire(), lifetimeMs);
    retirement.unref();
    whenEnded.push(() => clearTimeout(retirement));
    if (state.initialize !== undefined) transport.replayInitialize(state.initialize);
    body.endWith(context.disconnected);
    void recoverFrom(deps, earlier, connection);
    const watched = deps.watching.subscriptionsChanged(session, [], state.subscriptions);
    void watched.then(() => connection.announceMissed());
    context.log.audit("stream-opened", {
      outcome: "success",
      actor: session.userKey,
      session: session.id,
      client: session.clientId,
    });
    return new Response(body.stream, { headers: EVENT_STREAM_HEADERS });
  }
}
