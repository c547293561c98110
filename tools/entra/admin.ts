import { z } from "zod";
import type { Call, StandIn } from "./stand-in.ts";

/** `GET /admin/switches`: the failure switches as they are (`SwitchSettings`). */
export async function getSwitches(standIn: StandIn): Promise<Response> {
  return Response.json(standIn.switches.current());
}

/** `PUT /admin/switches`: changes the switches that the JSON body names; `400` for an unknown one. */
export async function putSwitches(standIn: StandIn, call: Call): Promise<Response> {
  try {
    return Response.json(standIn.switches.set(JSON.parse(call.body)));
  } catch (error) {
    const message = error instanceof z.ZodError ? z.prettifyError(error) : "The body is not JSON.";
    return Response.json({ error: "invalid_request", error_description: message }, { status: 400 });
  }
}

/** `POST /admin/reset`: switches, consents, counters and calendars as after a start. Tokens stay valid. */
export async function postReset(standIn: StandIn): Promise<Response> {
  reset(standIn);
  return new Response(null, { status: 204 });
}

/** Restores switches, consents, counters and calendars. */
export function reset(
  standIn: Pick<StandIn, "switches" | "consents" | "ledger" | "calendars">,
): void {
  standIn.switches.reset();
  standIn.consents.reset();
  standIn.ledger.reset();
  standIn.calendars.reset();
}

/** `GET /admin/requests`: how often each endpoint was asked since the last reset. */
export async function getRequests(standIn: StandIn): Promise<Response> {
  return Response.json(standIn.ledger.requests());
}

/** `GET /admin/issued`: every code and token handed out since the start. */
export async function getIssued(standIn: StandIn): Promise<Response> {
  return Response.json(standIn.ledger.issued());
}
