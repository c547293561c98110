import type { Calendars } from "./calendars.ts";
import type { Codes } from "./codes.ts";
import type { Consents } from "./consents.ts";
import type { Keys } from "./keys.ts";
import type { Ledger } from "./ledger.ts";
import type { Outbox } from "./subscriptions/outbox.ts";
import type { Subscriptions } from "./subscriptions/subscriptions.ts";
import type { Switches } from "./switches.ts";
import type { Wait } from "./wait.ts";

/** What every endpoint of the stand-in works with. */
export interface StandIn {
  /** `http://localhost:PORT`: the base of the issuer and of every endpoint. */
  readonly base: string;
  readonly now: () => Date;
  readonly wait: Wait;
  /** Numbers that only grow, across restarts too: they tell which sign-ins came after a switch was set. */
  readonly nextSerial: () => number;
  readonly keys: Keys;
  readonly switches: Switches;
  readonly consents: Consents;
  readonly codes: Codes;
  readonly ledger: Ledger;
  readonly calendars: Calendars;
  readonly subscriptions: Subscriptions;
  /** What is on its way to the subscribers. */
  readonly outbox: Outbox;
}

/** One HTTP request, its body already read. */
export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string;
  /** The `:name` segments of the route. */
  readonly params: Readonly<Record<string, string>>;
  /** The caller's `client-request-id`, or one of our own. */
  readonly correlationId: string;
}

/** Reads the body as a form (RFC 6749 appendix B), whatever its content type says. */
export function formOf(call: Pick<Call, "body">): URLSearchParams {
  return new URLSearchParams(call.body);
}

/**
 * Makes the source of serials: microseconds of the clock, moved on where two fall together.
 *
 * @param now the clock
 */
export function serialsFrom(now: () => Date): () => number {
  let last = 0;
  return () => {
    last = Math.max(last + 1, now().getTime() * 1000);
    return last;
  };
}
