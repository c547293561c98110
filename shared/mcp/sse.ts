import type { Clock } from "../clock.ts";
import { Graph } from "../entra/graph.ts";
import type { Handler } from "../http/context.ts";
import type { Log } from "../log.ts";
import { graphScopes } from "../oauth/scopes.ts";
import { type Random, randomId } from "../random.ts";
import type { Relay } from "../relay/relay.ts";
import type { BearerCheck } from "../sessions/bearer.ts";
import type { SignIns } from "../sessions/sign-ins.ts";
import { CallerSessions } from "../sessions/caller-sessions.ts";
import type { SettingsTable } from "../sessions/personal-settings.ts";
import type { SessionEnd } from "../sessions/session-end.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import type { Connection, Connections } from "./connections.ts";
import type { CallFor, FeatureCalls } from "./feature-calls.ts";
import { createMcpServer, type Extra } from "./server.ts";
import { SseTransport } from "./sse-transport.ts";

/** `GET /sse`: opens the stream of HTTP+SSE (MCP 2024-11-05) and a protocol server behind it. */
export function sseHandler(deps: {
  bearer: BearerCheck;
  connections: Connections;
  relay: Relay;
  calls: FeatureCalls;
  signIns: SignIns;
  graphBaseUrl: string;
  settings: SettingsTable;
  sessions: Sessions;
  sessionEnd: SessionEnd;
  log: Log;
  clock: Clock;
  random: Random;
}): Handler {
  return async (request, { disconnected, log }) => {
    const caller = await deps.bearer.check(request, "/sse");
    const id = randomId(deps.random);
    const transport = new SseTransport(`/message?connection=${id}`);
    // As the last message found it: roles change with a refresh, and a stream lives longer than that.
    let { session } = caller;
    const { server, announce } = createMcpServer(deps.calls, (extra) =>
      callFor(session, extra, transport),
    );
    const connection: Connection = {
      id,
      userKey: caller.session.userKey,
      sessionId: caller.session.id,
      receive: (message, { session: now, scopes }) => {
        session = now;
        // The token itself stays behind: features act by the session.
        const { clientId } = session;
        transport.receive(message, { authInfo: { token: "", clientId, scopes: [...scopes] } });
      },
      announce,
      close: () => server.close(),
    };
    server.onclose = () => deps.connections.remove(id);
    deps.connections.add(connection);
    await server.connect(transport);
    const abandon = () => {
      transport.abandon();
      void server.close();
    };
    if (disconnected.aborted) abandon();
    disconnected.addEventListener("abort", abandon);
    log.audit("stream-opened", {
      outcome: "success",
      actor: caller.session.userKey,
      session: caller.session.id,
      client: caller.session.clientId,
    });
    return new Response(transport.stream, {
      headers: {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-cache, no-transform",
        // nginx and its like hold back what they have not been told to let through.
        "X-Accel-Buffering": "no",
      },
    });
  };

  function callFor(session: Session, extra: Extra, transport: SseTransport): CallFor {
    // A call that ends its own session is answered before its stream closes.
    const beforeEnd = () => transport.answerBeforeClosing(extra.requestId);
    return (requires) => ({
      session,
      clock: deps.clock,
      signal: extra.signal,
      settings: deps.settings.of(session.userKey),
      sessions: new CallerSessions(deps, session, beforeEnd),
      graph: new Graph({
        baseUrl: deps.graphBaseUrl,
        signal: extra.signal,
        signIn: {
          token: (options) =>
            deps.signIns.graphToken(
              session,
              graphScopes(requires === undefined ? [] : [requires]),
              options,
              beforeEnd,
            ),
          challenge: (claims) => deps.signIns.challenge(session, claims),
        },
      }),
      announce: (change) => deps.relay.announce(session.userKey, change),
      async progress(progress) {
        const progressToken = extra._meta?.progressToken;
        if (progressToken === undefined) return;
        const params = { ...progress, progressToken };
        await extra.sendNotification({ method: "notifications/progress", params });
      },
    });
  }
}
