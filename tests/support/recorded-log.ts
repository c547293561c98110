import { jsonLog, type Log } from "../../shared/log.ts";
import { noTelemetry, type Telemetry } from "../../shared/telemetry/telemetry.ts";
import { recorder } from "./redaction/recorder.ts";

/** A log that a test can read, and that is searched for secrets when the file has come to its end. */
export function recordedLog(telemetry: Telemetry = noTelemetry): {
  readonly log: Log;
  readonly lines: readonly string[];
} {
  const lines: string[] = [];
  const log = jsonLog((level, line) => {
    lines.push(line);
    recorder.line(line);
    telemetry.log(level, line);
  });
  return { log, lines };
}
