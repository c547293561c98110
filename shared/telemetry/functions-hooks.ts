import { app } from "@azure/functions";
import type { LogLevel } from "../log.ts";
import type { Telemetry } from "./telemetry.ts";

/**
 * Ties the Functions host and the telemetry together: traces of the host go on in here, and the log is sent from here
 * and no more by the host. To be called before the app has started: the host asks for capabilities then.
 */
export function connectHost(telemetry: Telemetry): void {
  if (!telemetry.on) return;
  // Otherwise every line would arrive twice, the second time without its trace.
  app.setup({ capabilities: { WorkerOpenTelemetryEnabled: true } });
  app.hook.log(({ level, category, message }) => {
    const severity = severityOf(level);
    // The worker's own chatter stays out; that something went wrong in it does not.
    if (category === "user" || severity !== "info") telemetry.log(severity, message);
  });
  app.hook.preInvocation((context) => {
    const { functionHandler, invocationContext } = context;
    const traceparent = invocationContext.traceContext?.traceParent;
    context.functionHandler = (...inputs): unknown =>
      telemetry.within(traceparent, (): unknown => functionHandler(...inputs));
  });
}

function severityOf(level: string): LogLevel {
  switch (level) {
    case "warning":
      return "warn";
    case "error":
    case "critical":
      return "error";
    default:
      return "info";
  }
}
