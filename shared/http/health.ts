import type { Connections } from "../mcp/connections.ts";
import type { Handler } from "./context.ts";

/**
 * `GET /health`: whether this instance answers. It touches nothing else, so that an outage of storage does
 * not take healthy instances out. The number of streams is nobody's business in public.
 */
export function healthHandler(deps: {
  lease: { readonly id: string };
  connections: Connections;
  loopback: boolean;
}): Handler {
  return async () =>
    Response.json(
      {
        status: "ok",
        instance: deps.lease.id,
        ...(deps.loopback && { streams: deps.connections.streams }),
      },
      { headers: { "Cache-Control": "no-store" } },
    );
}
