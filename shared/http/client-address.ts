import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

/**
 * The address that a request came from, as a header has it that the operator's front end writes over whatever the
 * caller sent (`CLIENT_ADDRESS_HEADER`). Of several hops only the last was written by that front end.
 *
 * @param header In lower case; undefined where no header can be trusted.
 * @returns An IP address without its port, or undefined where nobody vouches for one.
 */
export function clientAddress(
  { headersDistinct }: Pick<IncomingMessage, "headersDistinct">,
  header: string | undefined,
): string | undefined {
  if (header === undefined) return undefined;
  const last = headersDistinct[header]?.join(",").split(",").at(-1)?.trim() ?? "";
  const address = /^\[([^\]]+)\](?::\d+)?$/.exec(last)?.[1] ?? last.replace(/^([^:]+):\d+$/, "$1");
  return isIP(address) === 0 ? undefined : address;
}
