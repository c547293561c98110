import type { Call } from "../features/call.ts";
import { requireRole } from "../features/feature-errors.ts";
import type { Answers, Question } from "../features/questions.ts";
import type { Scope } from "../oauth/scopes.ts";
import { ScopeMissing } from "./refusals.ts";

/** The call that a feature gets, as far as it is the same in every round. */
export type CallBase = Omit<Call, "answers" | "state">;

/** Makes the call that a feature gets; which Graph permissions it has depends on what it requires. */
export type CallFor = (requires: Scope | undefined) => CallBase;

/** A request of a client, as far as calling a feature goes. */
export interface Incoming {
  /** Of the token that came with this very request. */
  readonly scopes: readonly Scope[];
  readonly callFor: CallFor;
  /** What the client has answered to an earlier round of the same request, and that round's state. */
  readonly answers?: Answers | undefined;
  readonly requestState?: string | undefined;
  /** The span of the client's that has made it: `_meta.traceparent` (MCP 2026-07-28), as it was sent. */
  readonly traceparent?: unknown;
}

/** A feature cannot go on before the client has answered. */
export class Asking {
  readonly questions: Readonly<Record<string, Question>>;
  /** Comes back with the answers. */
  readonly requestState: string | undefined;

  constructor(questions: Readonly<Record<string, Question>>, requestState: string | undefined) {
    this.questions = questions;
    this.requestState = requestState;
  }
}

/** What a client must have been granted, and its person been assigned. */
export interface Requirements {
  readonly requires?: Scope;
  readonly requiresRole?: string;
}

/** @throws ScopeMissing, RoleMissing */
export function requireAccess(
  { requires, requiresRole }: Requirements,
  { scopes }: Incoming,
  { session }: CallBase,
): void {
  if (requires !== undefined && !scopes.includes(requires)) throw new ScopeMissing(requires);
  requireRole(requiresRole, session);
}
