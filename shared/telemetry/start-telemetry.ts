import packageJson from "../../package.json" with { type: "json" };
import { azureCredential } from "../azure-credential.ts";
import type { Clock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import { noTelemetry, type Telemetry } from "./telemetry.ts";

/** A backend that is out of reach is spoken of no more often. */
const REPORT_MS = 60_000;

/**
 * Starts what watches the server, where the settings say where to send it.
 *
 * @param deps.log Hears of what could not be sent: not one that is itself sent there.
 */
export async function startTelemetry(
  { telemetry, azureClientId, podName }: Config,
  { clock, log }: { clock: Clock; log: Log },
): Promise<Telemetry> {
  if (telemetry === undefined) return noTelemetry;
  const { connectionString, samplingRatio, serviceName } = telemetry;
  const { azureMonitor } = await import("./azure-monitor.ts");
  let reportedAt = -Infinity;
  return azureMonitor({
    connectionString,
    samplingRatio,
    // The key in the string would do on a developer's machine; the deployment's resource refuses it.
    credential: azureClientId === undefined ? undefined : azureCredential(azureClientId),
    service: { name: serviceName, version: packageJson.version, instance: podName },
    report(trouble) {
      if (clock.now() - reportedAt < REPORT_MS) return;
      reportedAt = clock.now();
      log.error("telemetry-not-sent", trouble);
    },
  });
}
