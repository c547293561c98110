import { AadError, errorBody } from "./aad-error.ts";
import type { AadstsCode } from "./aadsts.ts";
import type { AccountName } from "./directory.ts";
import { graphError } from "./graph-error.ts";
import { GRAPH_FAULTS } from "./graph-faults.ts";
import type { GraphFaultStatus } from "./graph-faults.ts";
import type { Call, StandIn } from "./stand-in.ts";
import type { PersonSwitch, Switches } from "./switches.ts";

/** Where a person's fault can show. */
export type Stage = "sign-in" | "code" | "refresh";

interface PersonFault {
  readonly switch: PersonSwitch;
  readonly code: AadstsCode;
  readonly at: readonly Stage[];
  /** Whether signing in again helps: the fault then spares sign-ins made after the switch was set. */
  readonly signInHelps: boolean;
}

/** What the switches do to a person; the first that applies answers. */
const PERSON_FAULTS: readonly PersonFault[] = [
  { switch: "userDisabled", code: 50057, at: ["sign-in", "code", "refresh"], signInHelps: false },
  { switch: "policyBlocked", code: 53003, at: ["code", "refresh"], signInHelps: false },
  { switch: "refreshTokensExpired", code: 700082, at: ["refresh"], signInHelps: true },
  { switch: "refreshTokensRevoked", code: 50173, at: ["refresh"], signInHelps: true },
  { switch: "mfaRequired", code: 50076, at: ["code", "refresh"], signInHelps: true },
];

/** What the switches do to an endpoint as a whole, before its request is looked at; the first that applies answers. */
const ENDPOINT_FAULTS = [
  { switch: "serverError", area: "token", answer: tokenServerError },
  { switch: "serverError", area: "graph", answer: graphServerError },
  { switch: "throttled", area: "token", answer: tokenThrottled },
  { switch: "throttled", area: "graph", answer: graphThrottled },
] as const;

/**
 * Returns the fault that a person's switches call for, or undefined.
 *
 * @param stage where in the flow the person is
 * @param serial when the person signed in; a sign-in under way is later than any switch
 */
export function personFault(
  switches: Switches,
  stage: Stage,
  account: AccountName,
  serial = Number.POSITIVE_INFINITY,
): AadError | undefined {
  const fault = PERSON_FAULTS.find((candidate) => {
    const since = switches.since(candidate.switch, account);
    return (
      since !== undefined &&
      candidate.at.includes(stage) &&
      !(candidate.signInHelps && serial > since)
    );
  });
  return fault && new AadError(fault.code);
}

/** Returns the answer of an endpoint that is switched to fail, or undefined. */
export function endpointFault(
  standIn: StandIn,
  area: "token" | "graph",
  call: Call,
): Response | undefined {
  const switches = standIn.switches.current();
  const fault = ENDPOINT_FAULTS.find(
    (candidate) => candidate.area === area && switches[candidate.switch].includes(area),
  );
  return fault?.answer(standIn, call);
}

/** Whether Graph has to challenge this sign-in for more claims (the switch `claimsChallenge`). */
export function isChallenged(
  switches: Switches,
  account: AccountName,
  signIn: { readonly serial: number; readonly challengeMet: boolean },
): boolean {
  const since = switches.since("claimsChallenge", account);
  return since !== undefined && !(signIn.challengeMet && signIn.serial > since);
}

const retryAfter = (standIn: StandIn) => ({
  "retry-after": String(standIn.switches.current().retryAfterSeconds),
});

// Entra's front end answers with a page, not JSON, when what is behind it fails.
function tokenServerError(): Response {
  return new Response("<!doctype html><title>Service unavailable</title>", {
    status: 500,
    headers: { "content-type": "text/html; charset=utf-8" },
  });
}

function tokenThrottled(standIn: StandIn, call: Call): Response {
  const body = errorBody(new AadError(90033), standIn.base, standIn.now(), call.correlationId);
  return Response.json(body, { status: 429, headers: retryAfter(standIn) });
}

/**
 * Returns the answer of a Graph endpoint that is switched to fail.
 *
 * @param status what the switch says; undefined is returned where it is off
 */
export function graphFault(
  standIn: StandIn,
  call: Call,
  status: GraphFaultStatus | null,
): Response | undefined {
  if (status === null) {
    return undefined;
  }
  const { code, message } = GRAPH_FAULTS[status];
  const mayRetry = status === 429 || status === 503;
  return graphError(standIn, call, status, code, message, mayRetry ? retryAfter(standIn) : {});
}

function graphServerError(standIn: StandIn, call: Call): Response | undefined {
  return graphFault(standIn, call, 500);
}

function graphThrottled(standIn: StandIn, call: Call): Response | undefined {
  return graphFault(standIn, call, 429);
}
