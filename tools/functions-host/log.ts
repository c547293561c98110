/** Levels of the library, in rising order. */
export const LOG_LEVELS = [
  "trace",
  "debug",
  "information",
  "warning",
  "error",
  "critical",
  "none",
] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** One call of `context.log` and its siblings, or a message of the library or this host (`system`). */
export interface LogEntry {
  readonly level: LogLevel;
  readonly category: "user" | "system";
  readonly message: string;
  readonly functionName?: string | undefined;
}

export type Log = (entry: LogEntry) => void;

/**
 * Makes the log of one instance: a line per entry, those below the level of `host.json` left out. System entries below
 * a warning are shown only where the level is `Debug` or lower.
 *
 * @param logLevels `logging.logLevel` of `host.json`
 * @see https://learn.microsoft.com/azure/azure-functions/configure-monitoring#configure-log-levels
 */
export function createLog(
  logLevels: Readonly<Record<string, string>>,
  write: (line: string) => void,
  now: () => Date,
): Log {
  return ({ level, category, message, functionName }) => {
    const threshold = thresholdOf(logLevels, functionName);
    const floor = category === "system" && threshold > rank("debug") ? rank("warning") : threshold;
    if (rank(level) < Math.max(threshold, floor)) return;
    const time = now().toISOString().slice(11, 23);
    const text = message.trimEnd().replaceAll(/\r?\n\s*/g, " | ");
    write(`${time} ${level.padEnd(11)} ${functionName ?? "host"}: ${text}`);
  };
}

function thresholdOf(levels: Readonly<Record<string, string>>, functionName?: string): number {
  const configured =
    levels[`Function.${functionName}.User`] ??
    levels[`Function.${functionName}`] ??
    levels["Function"] ??
    levels["default"] ??
    "Information";
  const found = LOG_LEVELS.find((level) => level === configured.toLowerCase());
  return rank(found ?? "information");
}

function rank(level: LogLevel): number {
  return LOG_LEVELS.indexOf(level);
}
