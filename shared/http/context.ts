import type { Log } from "../log.ts";
import type { ClientConnection } from "./client-connection.ts";

/** What a handler knows about its call besides the request. */
export interface RequestContext extends ClientConnection {
  /** Shown to the caller with every error, and in every log line of the call. */
  readonly requestId: string;
  readonly log: Log;
  /** Where the caller is, as somebody says whom the operator trusts; undefined where nobody does. */
  readonly address: string | undefined;
}

/** The product's handlers: Web types, no host, testable by a call. */
export type Handler = (request: Request, context: RequestContext) => Promise<Response>;
