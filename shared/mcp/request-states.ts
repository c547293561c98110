import { z } from "zod";
import type { Clock } from "../clock.ts";
import { sha256 } from "../digest.ts";
import type { Sealer } from "../keys/seal.ts";
import type { Session } from "../sessions/sessions.ts";
import { StateInvalid } from "./refusals.ts";

/** For how long a person may think about an answer. */
const STATE_TTL_MS = 600_000;

/** What a state belongs to: it opens for the same request of the same client of the same person only. */
export interface StatefulRequest {
  readonly session: Session;
  /** Such as `tools/call`. */
  readonly method: string;
  /** Of the feature. */
  readonly name: string;
  readonly input: unknown;
}

const sealedState = z.object({ until: z.number(), state: z.unknown() });

/**
 * What a feature keeps between the rounds of a call, as `requestState` (MCP 2026-07-28, multi-round-trip
 * requests). It lives in the client, so that any instance can go on, and says nothing to it: sealed, and
 * bound to person, client, session, feature, input and time.
 */
export class RequestStates {
  readonly #sealer: Sealer;
  readonly #clock: Clock;

  constructor(deps: { sealer: Sealer; clock: Clock }) {
    this.#sealer = deps.sealer;
    this.#clock = deps.clock;
  }

  /** @param state JSON. */
  seal(request: StatefulRequest, state: unknown): Promise<string> {
    const until = this.#clock.now() + STATE_TTL_MS;
    return this.#sealer.seal("request-state", binding(request), JSON.stringify({ until, state }));
  }

  /** @throws StateInvalid */
  async open(request: StatefulRequest, sealed: string): Promise<unknown> {
    const opened = await this.#sealer.openJson(
      "request-state",
      binding(request),
      sealed,
      sealedState,
    );
    if (opened === undefined || this.#clock.now() >= opened.until) throw new StateInvalid();
    return opened.state;
  }
}

function binding({ session, method, name, input }: StatefulRequest): string {
  const { userKey, clientId, id } = session;
  return JSON.stringify([userKey, clientId, id, method, name, sha256(canonicalJson(input))]);
}

/** The same text for the same input, in whatever order a client has written its members. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === "object" && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
