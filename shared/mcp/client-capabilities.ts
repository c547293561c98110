import type { ClientLogLevel } from "../features/call.ts";
import type { QuestionKind } from "../features/questions.ts";

/** What a client has declared, as far as it matters to features. */
export interface ClientCapabilities {
  readonly elicitation?: { readonly form?: unknown; readonly url?: unknown } | undefined;
  readonly sampling?: unknown;
  readonly roots?: unknown;
}

/** @returns Whether a client has said that it answers such questions. */
export function canAsk(declared: ClientCapabilities | undefined, kind: QuestionKind): boolean {
  if (kind !== "elicitation") return declared?.[kind] !== undefined;
  const elicitation = declared?.elicitation;
  // A bare `elicitation: {}` is older than its modes and means forms (MCP 2025-11-25, elicitation).
  return (
    elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined)
  );
}

/** From least to most severe. */
export const LOG_LEVELS = [
  "debug",
  "info",
  "notice",
  "warning",
  "error",
  "critical",
  "alert",
  "emergency",
] as const satisfies readonly ClientLogLevel[];

/** What a client hears that has set no level (MCP 2025-11-25, logging, leaves it to the server). */
const UNASKED_FROM: ClientLogLevel = "info";

/** @returns Whether a client that wants `wanted` and what is more severe wants to hear of `level`. */
export function isHeard(level: ClientLogLevel, wanted: ClientLogLevel = UNASKED_FROM): boolean {
  return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(wanted);
}
