import type { RequestId } from "@modelcontextprotocol/server";
import { z } from "zod";

/** Where in which stream an event is: enough for any instance to go on from there. */
export interface StreamPosition {
  /** The instance that writes the stream. */
  readonly instance: string;
  /** Names the stream among those of its session. */
  readonly stream: string;
  readonly sequence: number;
  /** The request that the stream answers. */
  readonly request: RequestId;
}

const requestId = z.union([z.string(), z.number()]);

/** @returns The id of an event (MCP 2025-11-25, Streamable HTTP, resumability). */
export function formatEventId({ instance, stream, sequence, request }: StreamPosition): string {
  const id = Buffer.from(JSON.stringify(request)).toString("base64url");
  return [instance, stream, sequence, id].join("~");
}

/** @returns undefined for what is no id of a stream that answers a request. */
export function parseEventId(text: string): StreamPosition | undefined {
  const parts = /^([\w.-]{1,200})~([\w-]{22})~(\d{1,10})~([\w-]{1,2000})$/.exec(text);
  if (parts === null) return undefined;
  const [, instance = "", stream = "", sequence = "", id = ""] = parts;
  try {
    const request = requestId.parse(JSON.parse(Buffer.from(id, "base64url").toString()));
    return { instance, stream, sequence: Number(sequence), request };
  } catch {
    return undefined;
  }
}
