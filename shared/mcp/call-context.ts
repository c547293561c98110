import type { Clock } from "../clock.ts";
import { Graph } from "../entra/graph.ts";
import type { Call } from "../features/call.ts";
import type { Feeds } from "../live/feeds.ts";
import type { WatchedCache } from "../live/watched-cache.ts";
import type { Log } from "../log.ts";
import { graphScopes } from "../oauth/scopes.ts";
import type { Relay } from "../relay/relay.ts";
import { CallerSessions } from "../sessions/caller-sessions.ts";
import type { SettingsTable } from "../sessions/personal-settings.ts";
import type { SessionEnd } from "../sessions/session-end.ts";
import type { Session, Sessions } from "../sessions/sessions.ts";
import type { SignIns } from "../sessions/sign-ins.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { CallFor } from "./incoming.ts";

/** What a call needs of the way it came. */
export interface Wire extends Pick<Call, "signal" | "progress" | "log" | "canAsk"> {
  /** Called when the call is about to end its own session, so that its answer still gets out. */
  readonly beforeOwnEnd: () => void;
}

export interface CallContextDeps {
  readonly clock: Clock;
  readonly graphBaseUrl: string;
  readonly settings: SettingsTable;
  readonly sessions: Sessions;
  readonly sessionEnd: SessionEnd;
  readonly signIns: SignIns;
  readonly relay: Relay;
  readonly feeds: Feeds;
  readonly watchedCache: WatchedCache;
  readonly log: Log;
  readonly telemetry: Telemetry;
}

/** Makes what features get: the person's session, their Graph, their settings, the way back to the client. */
export function callContext(deps: CallContextDeps): (session: Session, wire: Wire) => CallFor {
  return (session, { beforeOwnEnd, ...wire }) =>
    (requires) => ({
      ...wire,
      session,
      clock: deps.clock,
      settings: deps.settings.of(session.userKey),
      feeds: {
        read: (topic) => deps.feeds.read(topic, session),
        topics: () => deps.feeds.topics(session),
      },
      cached: (uri, variant, read) => deps.watchedCache.get(session.userKey, uri, variant, read),
      sessions: new CallerSessions(deps, session, beforeOwnEnd),
      graph: new Graph({
        baseUrl: deps.graphBaseUrl,
        signal: wire.signal,
        telemetry: deps.telemetry,
        signIn: {
          token: (options) =>
            deps.signIns.graphToken(
              session,
              graphScopes(requires === undefined ? [] : [requires]),
              options,
              beforeOwnEnd,
            ),
          challenge: (claims) => deps.signIns.challenge(session, claims),
        },
      }),
      announce: (change) => deps.relay.announce(session.userKey, change),
    });
}
