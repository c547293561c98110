import { MCP_BODY_LIMIT_BYTES, readJson } from "../http/body.ts";
import type { Handler } from "../http/context.ts";
import { HttpError } from "../http/errors.ts";
import type { Relay } from "../relay/relay.ts";
import type { BearerCheck } from "../sessions/bearer.ts";
import { jsonRpcMessage } from "./json-rpc.ts";

/**
 * `POST /message?connection=…`: takes a message of the client for its stream. 202 says that it was taken;
 * the answer comes on the stream.
 */
export function messageHandler(deps: { bearer: BearerCheck; relay: Relay }): Handler {
  return async (request) => {
    const caller = await deps.bearer.check(request, "/sse");
    const connection = new URL(request.url).searchParams.get("connection") ?? "";
    const message = jsonRpcMessage.safeParse(await readJson(request, MCP_BODY_LIMIT_BYTES));
    if (!message.success) throw new HttpError(400, "The body is not a JSON-RPC 2.0 message.");
    const delivery = await deps.relay.deliver(connection, caller, message.data);
    if (delivery === "unknown") {
      throw new HttpError(404, "There is no such stream of yours. Open one with GET /sse.");
    }
    return new Response(null, { status: 202 });
  };
}
