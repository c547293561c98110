import type { RequestContext } from "../../http/context.ts";
import type { Station } from "../../relay/station.ts";
import { StorageUnavailable } from "../../storage/store.ts";
import type { ConnectionRow } from "../connection-rows.ts";
import { retryAfter, streamLifetime } from "../stream-lifetime.ts";
import type { McpSession, McpSessionDeps } from "./mcp-session.ts";
import { SessionNotFound } from "./session-not-found.ts";
import { StandaloneStream } from "./standalone-stream.ts";

export type SessionStreamDeps = McpSessionDeps & {
  readonly station: Station;
  readonly streamLifetimeSeconds: number;
};

/**
 * Opens the stream of a session, in place of the one that its client may have had, here or elsewhere: the
 * newest counts, for an older one may be broken without anybody having noticed.
 *
 * @param primed Whether its client can read an event without data.
 * @throws StorageUnavailable; SessionNotFound
 */
export function openSessionStream(
  deps: SessionStreamDeps,
  session: McpSession,
  primed: boolean,
  context: RequestContext,
): Promise<Response> {
  const { connectionRows, station, watching } = deps;
  return station.open(async (instance) => {
    const [earlier, stream] = await session.state.turns.take(async () => {
      const row = await connectionRows.update(session.key, () => ({
        instance,
        endedAt: undefined,
      }));
      if (row === undefined) throw new SessionNotFound();
      station.requireHeld(instance);
      if (session.closed) throw new StorageUnavailable("the session has been forgotten meanwhile");
      return [row, hold(deps, session, primed, context)];
    });
    // Its client may have gone before it was held.
    if (!stream.open) void forgetHolder(deps, session);
    await endElsewhere(deps, session, earlier, instance);
    await watching.subscriptionsChanged(session.session, [], session.state.subscriptions);
    if (hadStream(earlier)) await session.announceEverything();
    context.log.audit("stream-opened", {
      outcome: "success",
      actor: session.userKey,
      session: session.sessionId,
      client: session.session.clientId,
    });
    return stream.response;
  });
}

function hold(
  deps: SessionStreamDeps,
  session: McpSession,
  primed: boolean,
  context: RequestContext,
): StandaloneStream {
  const stream = new StandaloneStream(context, {
    primed,
    lifetimeMs: streamLifetime(deps.streamLifetimeSeconds, deps.random),
    retryMs: () => retryAfter(deps.random),
    onEnd: (ended) => {
      if (session.release(ended)) void forgetHolder(deps, session);
    },
  });
  session.hold(stream);
  return stream;
}

/** Whether the client had a stream before this one: it may have missed anything in between. */
function hadStream({ value }: ConnectionRow): boolean {
  return value.instance !== "" || value.endedAt !== undefined;
}

async function endElsewhere(
  { instances, sender }: SessionStreamDeps,
  session: McpSession,
  { value }: ConnectionRow,
  here: string,
): Promise<void> {
  if (value.instance === "" || value.instance === here) return;
  if (!(await instances.isLive(value.instance))) return;
  await sender.send(value.instance, { kind: "connection-changed", connection: session.id });
}

/** Nobody holds a stream of the session any more: changes need not be sent anywhere. */
async function forgetHolder(deps: SessionStreamDeps, session: McpSession): Promise<void> {
  const { clock, connectionRows, lease, log, watching } = deps;
  try {
    await session.state.turns.take(() =>
      connectionRows.update(session.key, ({ instance }) =>
        // The client may have opened another meanwhile, here or elsewhere.
        instance === lease.id && !session.streaming
          ? { instance: "", endedAt: clock.now() }
          : undefined,
      ),
    );
    await watching.subscriptionsChanged(session.session, session.state.subscriptions, []);
  } catch (error) {
    log.error("connection-row-not-written", error, { connection: session.id });
  }
}
