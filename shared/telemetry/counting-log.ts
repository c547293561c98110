import type { AuditEvent, Log } from "../log.ts";
import type { Counter } from "./metrics.ts";
import type { Attributes, Telemetry } from "./telemetry.ts";

/** What is audited is what is worth counting: one line, one more. */
const COUNTED: ReadonlyMap<AuditEvent, Counter> = new Map([
  ["sign-in", "mcp.sign_ins"],
  ["token-refreshed", "mcp.refreshes"],
  ["refresh-token-reused", "mcp.refreshes"],
  ["tool-called", "mcp.tool_calls"],
]);

/** A log that counts the acts that go through it. Who has acted is in the line, and not in the count. */
export function countingLog(log: Log, telemetry: Telemetry): Log {
  return {
    ...log,
    audit(event, fields) {
      log.audit(event, fields);
      const counter = COUNTED.get(event);
      if (counter === undefined) return;
      const { outcome, tool } = fields;
      const attributes: Attributes = { outcome, ...(tool !== undefined && { tool }) };
      telemetry.count(counter, attributes);
    },
  };
}
