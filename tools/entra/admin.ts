import { z } from "zod";
import { adminError } from "./admin-body.ts";
import type { Call, StandIn } from "./stand-in.ts";
import type { SwitchSettings } from "./switches.ts";

/** `GET /admin/switches`: the failure switches as they are (`SwitchSettings`). */
export async function getSwitches(standIn: StandIn): Promise<Response> {
  return Response.json(standIn.switches.current());
}

/** `PUT /admin/switches`: changes the switches that the JSON body names; `400` for an unknown one. */
export async function putSwitches(standIn: StandIn, call: Call): Promise<Response> {
  try {
    return Response.json(setSwitches(standIn, JSON.parse(call.body)));
  } catch (error) {
    return adminError(
      400,
      error instanceof z.ZodError ? z.prettifyError(error) : "The body is not JSON.",
    );
  }
}

/**
 * Changes the switches that the patch names.
 *
 * @throws z.ZodError for what the switches cannot be; nothing has changed then
 */
export function setSwitches(
  { switches, outbox }: Pick<StandIn, "switches" | "outbox">,
  patch: unknown,
): SwitchSettings {
  const settings = switches.set(patch);
  outbox.release();
  return settings;
}

/** `POST /admin/reset`: everything as after a first start, but that tokens stay valid. */
export async function postReset(standIn: StandIn): Promise<Response> {
  reset(standIn);
  return new Response(null, { status: 204 });
}

/** Restores switches, consents, counters and calendars, and forgets subscriptions and what was on its way to them. */
export function reset(
  standIn: Pick<
    StandIn,
    "switches" | "consents" | "ledger" | "calendars" | "subscriptions" | "outbox"
  >,
): void {
  standIn.switches.reset();
  standIn.consents.reset();
  standIn.ledger.reset();
  standIn.calendars.reset();
  standIn.subscriptions.reset();
  standIn.outbox.reset();
}

/** `GET /admin/requests`: how often each endpoint was asked since the last reset. */
export async function getRequests(standIn: StandIn): Promise<Response> {
  return Response.json(standIn.ledger.requests());
}

/** `GET /admin/issued`: every secret handed out since the start. */
export async function getIssued(standIn: StandIn): Promise<Response> {
  return Response.json(standIn.ledger.issued());
}
