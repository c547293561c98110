/** A request of a client, as far as its envelope goes. */
export interface ReceivedRequest {
  readonly method: string;
  readonly params: unknown;
}

/** @returns The requests in a body: one, several of a batch, or none. What is no request is left out. */
export function requestsIn(body: unknown): ReceivedRequest[] {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages.flatMap((message) => {
    if (typeof message !== "object" || message === null) return [];
    if (!("method" in message) || typeof message.method !== "string") return [];
    if (!("id" in message) || !["string", "number"].includes(typeof message.id)) return [];
    return { method: message.method, params: "params" in message ? message.params : undefined };
  });
}
