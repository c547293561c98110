import type { AuthInfo, ServerContext } from "@modelcontextprotocol/server";
import type { Caller } from "../../sessions/bearer.ts";

/** How the caller of a message travels through the SDK. The token itself stays behind. */
export class CallerInfo implements AuthInfo {
  readonly token = "";
  readonly clientId: string;
  readonly scopes: string[];
  readonly caller: Caller;

  constructor(caller: Caller) {
    this.caller = caller;
    this.clientId = caller.session.clientId;
    this.scopes = [...caller.scopes];
  }
}

/** @returns Who sent the very message that is being handled. */
export function callerOf({ http }: ServerContext): Caller {
  const info = http?.authInfo;
  if (!(info instanceof CallerInfo)) throw new TypeError("a message without its caller");
  return info.caller;
}
