import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Change } from "../../shared/features/call.ts";
import type { Connection } from "../../shared/mcp/connections.ts";
import type { Scope } from "../../shared/oauth/scopes.ts";
import type { Session } from "../../shared/sessions/sessions.ts";
import type { Caller } from "../../shared/sessions/bearer.ts";

import { createSessionParts } from "./parts.ts";

/** A stream that only writes down what happens to it. */
export class FakeConnection implements Connection {
  readonly id: string;
  readonly userKey: string;
  sessionId: string;
  readonly received: { message: JSONRPCMessage; scopes: readonly Scope[] }[] = [];
  readonly announced: Change[] = [];
  readonly session: Session;
  streaming = true;
  closed = 0;
  /** Telling the client fails, as on a stream that is just ending. */
  broken = false;

  constructor(id: string, userKey: string, sessionId: string) {
    this.id = id;
    this.userKey = userKey;
    this.sessionId = sessionId;
    this.session = createSessionParts().session({ userKey, id: sessionId });
  }

  receive(message: JSONRPCMessage, { scopes }: Caller): void {
    this.received.push({ message, scopes });
  }

  async announce(change: Change): Promise<void> {
    if (this.broken) throw new Error("Not connected");
    this.announced.push(change);
  }

  wants(): boolean {
    return true;
  }

  async refresh(): Promise<void> {}

  async takeAnswersOf(): Promise<void> {}

  async handOver(): Promise<boolean> {
    return false;
  }

  async close(): Promise<void> {
    this.closed += 1;
  }
}
