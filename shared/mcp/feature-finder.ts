import { z } from "zod";
import type { TypedText } from "../features/content.ts";
import type { Call } from "../features/call.ts";
import type { Complete, Features, Prompt, Tool } from "../features/feature.ts";
import type { Questions } from "../features/questions.ts";
import { matchUri } from "../features/uri-template.ts";
import type { Scope } from "../oauth/scopes.ts";
import type { Requirements } from "./incoming.ts";

/** What is behind a URI, whether it is fixed or of a template. */
export interface Readable extends Requirements {
  readonly mimeType: string;
  read(call: Call): Promise<string | Uint8Array | TypedText | Questions | undefined>;
}

/** Something that completes what a person types. */
export interface Completable extends Requirements {
  readonly complete: Complete | undefined;
}

/** What `completion/complete` may ask about. */
export type CompletionRef =
  | { readonly type: "ref/prompt"; readonly name: string }
  | { readonly type: "ref/resource"; readonly uri: string };

/** The parts of a request's parameters by which it names a feature. */
const naming = z.object({
  name: z.string().optional(),
  uri: z.string().optional(),
  ref: z.object({ name: z.string().optional(), uri: z.string().optional() }).optional(),
});

/** Finds features by what clients call them. */
export class FeatureFinder {
  readonly #features: Features;

  constructor(features: Features) {
    this.#features = features;
  }

  /** @returns The tool of that name. */
  tool(name: string): Tool | undefined {
    return this.#features.tools.find((tool) => tool.name === name);
  }

  /** @returns What is behind a URI. A fixed resource goes before a template that its URI fits as well. */
  readable(uri: string): Readable | undefined {
    const fixed = this.#features.resources.find((resource) => resource.uri === uri);
    if (fixed !== undefined) return fixed;
    for (const template of this.#features.resourceTemplates) {
      const variables = matchUri(template.uriTemplate, uri);
      if (variables === undefined) continue;
      return { ...template, read: (call) => template.read(variables, call) };
    }
    return undefined;
  }

  /** The built-in prompts, then the person's own, which cannot take the place of a built-in one. */
  async prompts(call: Call): Promise<readonly Prompt[]> {
    const sources = this.#features.promptSources.map((source) => source.list(call));
    const own = (await Promise.all(sources)).flat();
    return [
      ...this.#features.prompts,
      ...own.filter(({ name }) => this.#builtInPrompt(name) === undefined),
    ];
  }

  /** @returns What completes an argument of a prompt; undefined where there is no such argument. */
  promptArgument(prompt: Prompt, argument: string): Completable | undefined {
    const found = prompt.arguments.find(({ name }) => name === argument);
    return found && { ...prompt, complete: found.complete };
  }

  /** @returns What completes a variable of a template; undefined where there is no such variable. */
  templateVariable(uriTemplate: string, variable: string): Completable | undefined {
    const template = this.#template(uriTemplate);
    if (template?.uriTemplate.includes(`{${variable}}`) !== true) return undefined;
    return {
      ...template,
      complete: new Map(Object.entries(template.complete ?? {})).get(variable),
    };
  }

  /**
   * The scope that a request needs. Prompts of a person's own are not looked up: they need what every token
   * has.
   *
   * @param params As the client has sent them.
   */
  requirement(method: string, params: unknown): Scope | undefined {
    const { name = "", uri = "", ref } = naming.safeParse(params).data ?? {};
    switch (method) {
      case "tools/call":
        return this.tool(name)?.requires;
      case "resources/read":
      case "resources/subscribe":
        return this.readable(uri)?.requires;
      case "prompts/get":
        return this.#builtInPrompt(name)?.requires;
      case "completion/complete":
        return (this.#template(ref?.uri) ?? this.#builtInPrompt(ref?.name))?.requires;
      default:
        return undefined;
    }
  }

  #template(uriTemplate: string | undefined) {
    return this.#features.resourceTemplates.find((it) => it.uriTemplate === uriTemplate);
  }

  #builtInPrompt(name: string | undefined): Prompt | undefined {
    return this.#features.prompts.find((prompt) => prompt.name === name);
  }
}
