import { z } from "zod";
import type { Watch } from "../live/watch.ts";
import type { Scope } from "../oauth/scopes.ts";
import type { Call } from "./call.ts";
import { type Content, text, type TypedText } from "./content.ts";
import { InputInvalid } from "./feature-errors.ts";
import { Questions } from "./questions.ts";

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
