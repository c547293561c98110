import type { Clock } from "../clock.ts";
import type { Graph } from "../entra/graph.ts";
import type { PersonalSettings } from "../sessions/personal-settings.ts";
import type { ListedSession, Session } from "../sessions/sessions.ts";
import type { TypedText } from "./content.ts";
import type { Answers, QuestionKind } from "./questions.ts";

/** What a feature knows about its call. It acts as the person whose session this is. */
export interface Call {
  readonly session: Session;
  readonly clock: Clock;
  /** Microsoft Graph, as the person. */
  readonly graph: Graph;
  /** What the person keeps here. */
  readonly settings: PersonalSettings;
  readonly sessions: CallSessions;
  readonly feeds: CallFeeds;
  /**
   * Reads from a watched source, or gives what was read before, if the source has not told of a change since.
   *
   * @param uri The watched resource.
   * @param variant What else the value depends on.
   */
  cached<T>(uri: string, variant: string, read: () => Promise<T>): Promise<T>;
  /** Aborted when the client cancels or goes away. */
  readonly signal: AbortSignal;
  /** Tells the client how far the call is, if it asked to know. */
  progress(progress: { progress: number; total?: number; message?: string }): Promise<void>;
  /** Tells the client what goes on, if it wants to hear of this level. Never a secret. */
  log(level: ClientLogLevel, data: unknown): Promise<void>;
  /** Whether the client can answer such a question. Asking one that cannot ends the call with an error. */
  canAsk(kind: QuestionKind): boolean;
  /** What the client has answered to the questions of the round before this one; see `askFor`. */
  readonly answers: Answers;
  /** What that round has kept for this one. */
  readonly state: unknown;
  /** Tells every client of the person about a change. */
  announce(change: Change): Promise<void>;
}

/** The sessions that the person may see and end: their own, and with the app role `Mcp.Admin` everyone's. */
export interface CallSessions {
  /** @throws RoleMissing */
  list(userKey: string): Promise<readonly ListedSession[]>;
  /**
   * Ends a session. If it is the call's own, its answer still reaches the client.
   *
   * @returns Whether there was one.
   * @throws RoleMissing
   */
  end(userKey: string, sessionId: string): Promise<boolean>;
}

/** What other systems publish, as far as the person may read it. */
export interface CallFeeds {
  /** @returns undefined for a topic that says nothing to this person. */
  read(topic: string): Promise<TypedText | undefined>;
  topics(): Promise<readonly string[]>;
}

/** Something of a person's that their clients may have shown, and that is different now. */
export type Change =
  | { readonly kind: "resource-updated"; readonly uri: string }
  | { readonly kind: "tools-changed" | "resources-changed" | "prompts-changed" };

/** RFC 5424 §6.2.1, as MCP has it. */
export type ClientLogLevel =
  "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency";
