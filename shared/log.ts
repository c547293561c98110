import { redact } from "./redact.ts";

/** Ids and outcomes. Never a token, a code, a name or an address. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The acts that a security review asks about. Each writes one line. */
export type AuditEvent =
  | "client-registered"
  | "client-refused"
  | "consent"
  | "sign-in"
  | "token-issued"
  | "token-refreshed"
  | "code-replayed"
  | "refresh-token-reused"
  | "key-rotated"
  | "token-revoked"
  | "session-ended"
  | "account-sign-in"
  | "stream-opened"
  | "step-up"
  | "tool-called"
  | "published"
  | "notified";

/** Who did what, through which client, in which session, and how it ended. */
export interface AuditFields {
  readonly outcome: "success" | "denied" | "failure";
  /** The opaque key of the person. */
  readonly actor?: string | undefined;
  readonly session?: string | undefined;
  /** Whose session it was, where somebody else acted on it. */
  readonly owner?: string | undefined;
  readonly client?: string | undefined;
  /** Why it ended as it did: a code or a name, never an upstream message. */
  readonly reason?: string | undefined;
  readonly tool?: string;
  /** Of a feed. */
  readonly topic?: string;
  /** A key of the server: its kind and its id. */
  readonly key?: string;
  /** What was done to it. */
  readonly change?: string;
  readonly generation?: number;
}

/** The structured log: one line of JSON an event. */
export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  /** @param error Logged with its stack and its causes, redacted; the caller never sees them. */
  error(event: string, error: unknown, fields?: LogFields): void;
  audit(event: AuditEvent, fields: AuditFields): void;
}

export type LogLevel = "info" | "warn" | "error";

/** @returns A log that hands each line to `write`. `always` is added to every line. */
export function jsonLog(
  write: (level: LogLevel, line: string) => void,
  always: LogFields = {},
): Log {
  const line = (level: LogLevel, fields: object) => {
    write(level, JSON.stringify({ ...fields, ...always }));
  };
  return {
    info: (event, fields) => line("info", { event, ...fields }),
    warn: (event, fields) => line("warn", { event, ...fields }),
    error: (event, error, fields) =>
      line("error", { event, ...fields, fault: redact(describe(error)) }),
    audit: (event, fields) => line("info", { audit: event, ...fields }),
  };
}

/** For what happens outside of any request. The Functions worker forwards the console to the host. */
export const consoleLog: Log = jsonLog((level, line) => {
  // oxlint-disable-next-line no-console -- the one place that writes to the console
  console[level](line);
});

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\ncaused by ${describe(error.cause)}`;
}
