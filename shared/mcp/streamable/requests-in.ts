import { z } from "zod";

const request = z.object({
  method: z.string(),
  params: z.unknown(),
  id: z.union([z.string(), z.number()]),
});

/** A request of a client, as far as its envelope goes. */
export type ReceivedRequest = z.infer<typeof request>;

/** @returns The requests in a body: one, several of a batch, or none. What is no request is left out. */
export function requestsIn(body: unknown): ReceivedRequest[] {
  const messages: unknown[] = Array.isArray(body) ? body : [body];
  return messages.flatMap((message) => request.safeParse(message).data ?? []);
}
