import { Graph } from "../entra/graph.ts";
import { graphScopes, type Scope } from "../oauth/scopes.ts";
import type { Session } from "../sessions/sessions.ts";
import type { SignIns } from "../sessions/sign-ins.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** Microsoft Graph as the person of a session, where no client has called: for what is done on their behalf. */
export class SessionGraphs {
  readonly #baseUrl: string;
  readonly #signIns: () => SignIns;
  readonly #telemetry: Telemetry;

  /** @param deps.signIns They end sessions, which ends watches, which need this: it is asked for late. */
  constructor(deps: { graphBaseUrl: string; signIns: () => SignIns; telemetry: Telemetry }) {
    this.#baseUrl = deps.graphBaseUrl;
    this.#signIns = deps.signIns;
    this.#telemetry = deps.telemetry;
  }

  /** @param requires The scope whose Graph permissions are needed. */
  of(session: Session, requires: Scope): Graph {
    return new Graph({
      baseUrl: this.#baseUrl,
      signal: new AbortController().signal,
      telemetry: this.#telemetry,
      signIn: {
        token: (options) =>
          this.#signIns().graphToken(session, graphScopes([requires]), options, () => undefined),
        challenge: (claims) => this.#signIns().challenge(session, claims),
      },
    });
  }
}
