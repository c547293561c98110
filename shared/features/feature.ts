import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Graph } from "../entra/graph.ts";
import type { Scope } from "../oauth/scopes.ts";
import type { ListedSession, Session } from "../sessions/sessions.ts";
import type { PersonalSettings } from "../sessions/personal-settings.ts";

/** What a feature knows about its call. It acts as the person whose session this is. */
export interface Call {
  readonly session: Session;
  readonly clock: Clock;
  /** Microsoft Graph, as the person. */
  readonly graph: Graph;
  /** What the person keeps here. */
  readonly settings: PersonalSettings;
  readonly sessions: CallSessions;
  /** Aborted when the client cancels or goes away. */
  readonly signal: AbortSignal;
  /** Tells the client how far the call is, if it asked to know. */
  progress(progress: { progress: number; total?: number; message?: string }): Promise<void>;
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

/** Something of a person's that their clients may have shown, and that is different now. */
export type Change =
  | { readonly kind: "resource-updated"; readonly uri: string }
  | { readonly kind: "prompts-changed" };

/** An error whose message is for the person. Everything else that is thrown stays in the log. */
export class FeatureError extends Error {
  override name = "FeatureError";
}

/** The arguments do not fit the tool's schema. */
export class InputInvalid extends FeatureError {
  override name = "InputInvalid";
}

/** The person lacks an app role. For a client that is an error like any other: no other scope would help. */
export class RoleMissing extends FeatureError {
  override name = "RoleMissing";

  constructor(role: string) {
    super(
      `This needs the app role "${role}", which an administrator assigns in Microsoft Entra ID.`,
    );
  }
}

/** @throws RoleMissing where `role` is one that the person of this session does not have. */
export function requireRole(role: string | undefined, { roles }: Session): void {
  if (role !== undefined && !roles.includes(role)) throw new RoleMissing(role);
}

interface Described {
  /** What clients call it. */
  readonly name: string;
  readonly title: string;
  /** For the model: what it does and when to use it. */
  readonly description: string;
  /** A scope that the client must have been granted. */
  readonly requires?: Scope;
  /** An app role that the person must have been assigned in Entra. */
  readonly requiresRole?: string;
}

/** Hints for clients (MCP 2025-11-25, tool annotations). */
export interface ToolAnnotations {
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
}

export interface ToolDefinition<
  Input extends z.ZodObject,
  Output extends z.ZodObject,
> extends Described {
  readonly annotations?: ToolAnnotations;
  readonly input: Input;
  readonly output: Output;
  /** @param input Checked against `input`. */
  run(input: z.output<Input>, call: Call): Promise<z.input<Output>>;
  /** The result in words; JSON where it is left out. */
  text?(output: z.output<Output>): string;
}

/** A tool, its types folded away: what arrives is checked, and so is what leaves. */
export interface Tool extends Described {
  readonly annotations: ToolAnnotations;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /** @throws InputInvalid, and whatever the tool throws. */
  call(input: unknown, call: Call): Promise<{ structured: Record<string, unknown>; text: string }>;
}

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Makes a tool from its definition. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Input, Output>,
): Tool {
  const { name, title, description, requires, requiresRole, input, output } = definition;
  return {
    name,
    title,
    description,
    ...(requires !== undefined && { requires }),
    ...(requiresRole !== undefined && { requiresRole }),
    annotations: definition.annotations ?? {},
    inputSchema: z.toJSONSchema(input, { io: "input" }),
    outputSchema: z.toJSONSchema(output, { io: "input" }),
    async call(given, call) {
      const parsed = input.safeParse(given);
      if (!parsed.success) {
        throw new InputInvalid(`The arguments do not fit:\n${z.prettifyError(parsed.error)}`);
      }
      const structured = output.parse(await definition.run(parsed.data, call));
      return {
        structured,
        text: definition.text?.(structured) ?? JSON.stringify(structured, null, 2),
      };
    },
  };
}

/** Something to read at a fixed URI. Clients may subscribe to it. */
export interface Resource extends Described {
  readonly uri: string;
  readonly mimeType: string;
  read(call: Call): Promise<string>;
}

export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  readonly required?: boolean;
  /** Suggestions for what the person has typed so far. */
  complete?(typed: string, call: Call): readonly string[] | Promise<readonly string[]>;
}

/** A message that a person picks, filled in with arguments. */
export interface Prompt extends Described {
  readonly arguments: readonly PromptArgument[];
  render(values: Readonly<Record<string, string>>, call: Call): Promise<string>;
}

/** Prompts that differ from person to person. */
export interface PromptSource {
  list(call: Call): Promise<readonly Prompt[]>;
}

/** Everything that a server offers. */
export interface Features {
  readonly tools: readonly Tool[];
  readonly resources: readonly Resource[];
  readonly prompts: readonly Prompt[];
  readonly promptSources: readonly PromptSource[];
}
