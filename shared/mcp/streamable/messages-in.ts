import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { HttpError } from "../../http/errors.ts";
import { isRequest, jsonRpcMessage } from "../json-rpc.ts";

const MAX_BATCH = 100;

/** An id goes into the ids of events. */
const MAX_ID_CHARACTERS = 256;

/**
 * Reads the messages in a body.
 *
 * @returns `batch`: whether they came as one, however few.
 * @throws HttpError 400
 */
export function messagesIn(body: unknown): { messages: JSONRPCMessage[]; batch: boolean } {
  const batch = Array.isArray(body);
  const given: unknown[] = batch ? body : [body];
  if (given.length === 0 || given.length > MAX_BATCH) {
    throw new HttpError(400, `A batch has 1 to ${MAX_BATCH} messages.`);
  }
  const messages = given.map(messageIn);
  const ids = messages.filter(isRequest).map(({ id }) => id);
  if (new Set(ids).size < ids.length) throw new HttpError(400, "Two requests have the same id.");
  return { messages, batch };
}

function messageIn(given: unknown): JSONRPCMessage {
  const { data: message, error: cause } = jsonRpcMessage.safeParse(given);
  if (message === undefined) {
    throw new HttpError(400, "The body is not a JSON-RPC 2.0 message.", { cause });
  }
  if ("id" in message && String(message.id).length > MAX_ID_CHARACTERS) {
    throw new HttpError(400, `An id has ${MAX_ID_CHARACTERS} characters at most.`);
  }
  return message;
}
