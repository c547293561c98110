import type { IncomingMessage } from "node:http";

/**
 * Reads a body that has a length, whole, as the genuine host does before the app runs.
 *
 * @returns its bytes, `undefined` where the request has no such body, or `"too large"` without reading on
 * @throws when the caller leaves before it is complete
 */
export async function readLengthBody(
  request: IncomingMessage,
  limitBytes: number,
): Promise<Buffer | undefined | "too large"> {
  const length = Number(request.headers["content-length"] ?? 0);
  if (length === 0 || request.headers["transfer-encoding"] !== undefined) return undefined;
  if (length > limitBytes) return "too large";
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
