import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Graph } from "../entra/graph.ts";
import type { Scope } from "../oauth/scopes.ts";
import type { ListedSession, Session } from "../sessions/sessions.ts";
import type { PersonalSettings } from "../sessions/personal-settings.ts";
import type { Watch } from "../live/watch.ts";
import { type Content, text, type TypedText } from "./content.ts";
import { type Answers, type QuestionKind, Questions } from "./questions.ts";

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

/** An error whose message is for the person. Everything else that is thrown stays in the log. */
export class FeatureError extends Error {
  override name = "FeatureError";
  /** What a client gets where it is not the result of a tool: JSON-RPC's "invalid request". */
  readonly code = -32_600;
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

interface ToolBasics<Input extends z.ZodObject> extends Described {
  readonly annotations?: ToolAnnotations;
  readonly input: Input;
}

export interface ToolDefinition<
  Input extends z.ZodObject,
  Output extends z.ZodObject,
> extends ToolBasics<Input> {
  readonly output: Output;
  /** @param input Checked against `input`. */
  run(input: z.output<Input>, call: Call): Promise<z.input<Output> | Questions>;
  /** The result in words or in content of any kind; JSON where it is left out. */
  text?(output: z.output<Output>): string | readonly Content[];
}

/** A tool whose result is something to look at or to listen to, and no data. */
export interface ContentToolDefinition<Input extends z.ZodObject> extends ToolBasics<Input> {
  run(input: z.output<Input>, call: Call): Promise<string | readonly Content[] | Questions>;
}

/** A tool, its types folded away: what arrives is checked, and so is what leaves. */
export interface Tool extends Described {
  readonly annotations: ToolAnnotations;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
  /** @throws InputInvalid, and whatever the tool throws. */
  call(input: unknown, call: Call): Promise<ToolResult | Questions>;
}

export interface ToolResult {
  /** Fits the tool's `outputSchema`. */
  readonly structured?: Record<string, unknown>;
  readonly content: readonly Content[];
}

/** A JSON Schema as both SDKs put it on the wire. */
export type JsonSchema = z.output<typeof objectSchema>;

const objectSchema = z.looseObject({
  type: z.literal("object"),
  properties: z.record(z.string(), z.record(z.string(), z.json())).optional(),
  required: z.array(z.string()).optional(),
});

/** Makes a tool from its definition. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Input, Output>,
): Tool;
export function defineTool<Input extends z.ZodObject>(
  definition: ContentToolDefinition<Input>,
): Tool;
export function defineTool(
  definition: ToolDefinition<z.ZodObject, z.ZodObject> | ContentToolDefinition<z.ZodObject>,
): Tool {
  const { name, title, description, requires, requiresRole, input } = definition;
  const checked = (given: unknown) => {
    const parsed = input.safeParse(given);
    if (parsed.success) return parsed.data;
    throw new InputInvalid(`The arguments do not fit:\n${z.prettifyError(parsed.error)}`);
  };
  const tool = {
    name,
    title,
    description,
    ...(requires !== undefined && { requires }),
    ...(requiresRole !== undefined && { requiresRole }),
    annotations: definition.annotations ?? {},
    inputSchema: toJsonSchema(input),
  };
  if (!("output" in definition)) {
    return {
      ...tool,
      async call(given, call) {
        const result = await definition.run(checked(given), call);
        return result instanceof Questions ? result : { content: toContent(result) };
      },
    };
  }
  return {
    ...tool,
    outputSchema: toJsonSchema(definition.output),
    async call(given, call) {
      const result = await definition.run(checked(given), call);
      if (result instanceof Questions) return result;
      const structured = definition.output.parse(result);
      const shown = definition.text?.(structured) ?? JSON.stringify(structured, null, 2);
      return { structured, content: toContent(shown) };
    },
  };
}

/** As it is sent: a value with a default need not be. */
function toJsonSchema(schema: z.ZodObject): JsonSchema {
  return objectSchema.parse(z.toJSONSchema(schema, { io: "input" }));
}

function toContent(shown: string | readonly Content[]): readonly Content[] {
  return typeof shown === "string" ? [text(shown)] : shown;
}

/** Something to read at a fixed URI, text or bytes. Clients may subscribe to it. */
export interface Resource extends Described {
  readonly uri: string;
  readonly mimeType: string;
  /** How changes that are made at its source are heard of. Without it, subscribers hear of those made here. */
  readonly watch?: Watch;
  read(call: Call): Promise<string | Uint8Array | Questions>;
}

/** Things to read at URIs of one form. Clients may subscribe to each. */
export interface ResourceTemplate extends Described {
  /** RFC 6570 with simple variables: `feed://{topic}`. */
  readonly uriTemplate: string;
  readonly mimeType: string;
  /** By variable. */
  readonly complete?: Readonly<Record<string, Complete>>;
  /** What there is to read right now, for `resources/list`. */
  list?(call: Call): Promise<readonly { readonly uri: string; readonly name: string }[]>;
  /** @returns undefined where there is nothing at that URI. */
  read(
    variables: Readonly<Record<string, string>>,
    call: Call,
  ): Promise<string | Uint8Array | TypedText | Questions | undefined>;
}

/** Suggestions for what the person has typed so far. */
export type Complete = (
  typed: string,
  call: Call,
) => readonly string[] | Promise<readonly string[]>;

export interface PromptArgument {
  readonly name: string;
  readonly description: string;
  readonly required?: boolean;
  readonly complete?: Complete;
}

/** Messages that a person picks, filled in with arguments; a string is one message of theirs. */
export interface Prompt extends Described {
  readonly arguments: readonly PromptArgument[];
  render(
    values: Readonly<Record<string, string>>,
    call: Call,
  ): Promise<string | readonly PromptMessage[] | Questions>;
}

export interface PromptMessage {
  readonly role: "user" | "assistant";
  readonly content: Content;
}

/** Prompts that differ from person to person. */
export interface PromptSource {
  list(call: Call): Promise<readonly Prompt[]>;
}

/** Everything that a server offers. */
export interface Features {
  readonly tools: readonly Tool[];
  readonly resources: readonly Resource[];
  readonly resourceTemplates: readonly ResourceTemplate[];
  readonly prompts: readonly Prompt[];
  readonly promptSources: readonly PromptSource[];
}
