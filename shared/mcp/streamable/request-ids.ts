import type { JSONRPCMessage } from "@modelcontextprotocol/server";
import { isAnswer, isCancellation, isNotification, isRequest } from "../json-rpc.ts";

/** In no instance's id: see `relay/lease.ts`. */
const SEPARATOR = "~";

/**
 * Names the instance in the ids of a server's own requests, so that what the client says to them finds its
 * way back from whichever instance it is posted to.
 *
 * @param message As the SDK sends it, with numbers for ids.
 */
export function nameInstance(message: JSONRPCMessage, instance: string): JSONRPCMessage {
  const named = (id: unknown) => (typeof id === "number" ? `${instance}${SEPARATOR}${id}` : id);
  if (isRequest(message)) {
    const renamed = { ...message, id: String(named(message.id)) };
    const token = message.params?._meta?.progressToken;
    if (typeof token !== "number") return renamed;
    const _meta = { ...message.params?._meta, progressToken: String(named(token)) };
    return { ...renamed, params: { ...message.params, _meta } };
  }
  // Of requests of the server's: what it says about the client's own keeps the client's words.
  if (isCancellation(message)) {
    return {
      ...message,
      params: { ...message.params, requestId: named(message.params?.["requestId"]) },
    };
  }
  return message;
}

/** A message that answers, or is about, a request of an instance. */
export interface Addressed {
  readonly instance: string;
  /** As the SDK of that instance knows it. */
  readonly message: JSONRPCMessage;
}

/** @returns For whom a client's message is, where it is for the one that has asked. */
export function addressed(message: JSONRPCMessage): Addressed | undefined {
  if (isAnswer(message)) {
    const named = parse(message.id);
    return named && { instance: named.instance, message: { ...message, id: named.id } };
  }
  if (isNotification(message) && message.method === "notifications/progress") {
    const named = parse(message.params?.["progressToken"]);
    if (named === undefined) return undefined;
    const params = { ...message.params, progressToken: named.id };
    return { instance: named.instance, message: { ...message, params } };
  }
  return undefined;
}

function parse(id: unknown): { instance: string; id: number } | undefined {
  if (typeof id !== "string") return undefined;
  const [, instance, number] = /^([\w.-]{1,200})~(\d{1,15})$/.exec(id) ?? [];
  return instance === undefined ? undefined : { instance, id: Number(number) };
}
