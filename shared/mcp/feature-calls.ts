import { type Content, resourceContents, text } from "../features/content.ts";
import type { Call } from "../features/call.ts";
import { FeatureError, RoleMissing } from "../features/feature-errors.ts";
import type { Features, Prompt, PromptMessage, ToolResult } from "../features/feature.ts";
import { Questions } from "../features/questions.ts";
import type { Log } from "../log.ts";
import type { Scope } from "../oauth/scopes.ts";
import { type Completable, type CompletionRef, FeatureFinder } from "./feature-finder.ts";
import {
  listedOfTemplate,
  listedPrompt,
  listedResources,
  listedTemplates,
  listedTools,
} from "./feature-list.ts";
import { Asking, type CallBase, type Incoming, requireAccess } from "./incoming.ts";
import {
  messageFor,
  ScopeMissing,
  StateInvalid,
  UnknownFeature,
  UnknownResource,
} from "./refusals.ts";
import type { RequestStates, StatefulRequest } from "./request-states.ts";

/** As `tools/call` is answered. */
export type ToolAnswer = {
  content: Content[];
  structuredContent?: Record<string, unknown>;
  isError?: true;
};

/** MCP 2025-11-25, completion */
const MAX_COMPLETIONS = 100;

/**
 * Runs features and answers in the words of the protocol. It knows neither an SDK nor a transport: what
 * they have in common is here, and each registers the features in a few lines.
 */
export class FeatureCalls {
  readonly #features: Features;
  readonly #finder: FeatureFinder;
  readonly #states: RequestStates;
  readonly #live: boolean;
  readonly #log: Log;

  /** @param deps.live Whether sources can reach this server with their notifications. */
  constructor(deps: { features: Features; requestStates: RequestStates; live: boolean; log: Log }) {
    this.#live = deps.live;
    this.#features = deps.features;
    this.#finder = new FeatureFinder(deps.features);
    this.#states = deps.requestStates;
    this.#log = deps.log;
  }

  listTools() {
    return { tools: listedTools(this.#features) };
  }

  /** The fixed ones, then what the templates have for this person. */
  async listResources(incoming: Incoming) {
    return this.#forPerson("resources-failed", async () => {
      const listed = this.#features.resourceTemplates.map(async (template) => {
        const { requires, requiresRole } = template;
        const base = incoming.callFor(requires);
        if (requires !== undefined && !incoming.scopes.includes(requires)) return [];
        if (requiresRole !== undefined && !base.session.roles.includes(requiresRole)) return [];
        const found = await template.list?.(firstRound(base));
        return (found ?? []).map((entry) => listedOfTemplate(template, entry));
      });
      const fixed = listedResources(this.#features, this.#live);
      return { resources: [...fixed, ...(await Promise.all(listed)).flat()] };
    });
  }

  listResourceTemplates() {
    return { resourceTemplates: listedTemplates(this.#features) };
  }

  /** The built-in prompts, then the person's own. */
  async listPrompts(incoming: Incoming) {
    return { prompts: (await this.#prompts(incoming)).map(listedPrompt) };
  }

  /** @returns The schema of a tool's arguments; undefined where there is no such tool. */
  inputSchema(toolName: string): Record<string, unknown> | undefined {
    return this.#finder.tool(toolName)?.inputSchema;
  }

  /**
   * @param params Of the request, as the client has sent them.
   * @returns The scope that a request needs and `granted` lacks, where the client can get more and try again.
   */
  missingScope(method: string, params: unknown, granted: readonly Scope[]): Scope | undefined {
    const requires = this.#finder.requirement(method, params);
    return requires === undefined || granted.includes(requires) ? undefined : requires;
  }

  /** @throws UnknownFeature, StateInvalid. What the tool throws becomes an answer. */
  async callTool(name: string, input: unknown, incoming: Incoming): Promise<ToolAnswer | Asking> {
    const tool = this.#finder.tool(name);
    if (tool === undefined) throw new UnknownFeature(`There is no tool named ${name}.`);
    const base = incoming.callFor(tool.requires);
    const { session } = base;
    const request = { session, method: "tools/call", name, input };
    const subject = {
      tool: name,
      actor: session.userKey,
      session: session.id,
      client: session.clientId,
    };
    try {
      requireAccess(tool, incoming, base);
      const result = await tool.call(input, await this.#round(request, base, incoming));
      this.#log.audit("tool-called", { outcome: "success", ...subject });
      return result instanceof Questions ? await this.#asking(request, result) : toAnswer(result);
    } catch (error) {
      if (base.signal.aborted) throw error;
      const denied =
        error instanceof ScopeMissing ||
        error instanceof RoleMissing ||
        error instanceof StateInvalid;
      const outcome = denied ? "denied" : "failure";
      this.#log.audit("tool-called", { outcome, ...subject, reason: nameOf(error) });
      if (error instanceof StateInvalid) throw error;
      if (!(error instanceof FeatureError)) this.#log.error("tool-failed", error, { tool: name });
      return toolError(error);
    }
  }

  /** @throws UnknownResource, StateInvalid, FeatureError */
  async readResource(uri: string, incoming: Incoming) {
    const found = this.#finder.readable(uri);
    if (found === undefined) throw new UnknownResource(uri);
    return this.#forPerson("resource-failed", async () => {
      const base = incoming.callFor(found.requires);
      requireAccess(found, incoming, base);
      const request = { session: base.session, method: "resources/read", name: uri, input: {} };
      const body = await found.read(await this.#round(request, base, incoming));
      if (body instanceof Questions) return this.#asking(request, body);
      if (body === undefined) throw new UnknownResource(uri);
      return { contents: [resourceContents(uri, found.mimeType, body)] };
    });
  }

  /**
   * Checks that the client may subscribe to a resource.
   *
   * @throws UnknownResource for a URI of no resource and no template; whether it is there is not asked.
   *   ScopeMissing, RoleMissing.
   */
  requireResource(uri: string, incoming: Incoming): void {
    const found = this.#finder.readable(uri);
    if (found === undefined) throw new UnknownResource(uri);
    requireAccess(found, incoming, incoming.callFor(found.requires));
  }

  /** @throws UnknownFeature, StateInvalid; FeatureError where a required argument is missing. */
  async renderPrompt(name: string, values: Readonly<Record<string, string>>, incoming: Incoming) {
    const prompt = await this.#prompt(name, incoming);
    const missing = prompt.arguments.find((it) => it.required === true && !values[it.name]);
    if (missing !== undefined) throw new FeatureError(`The argument ${missing.name} is missing.`);
    return this.#forPerson("prompt-failed", async () => {
      const base = incoming.callFor(prompt.requires);
      requireAccess(prompt, incoming, base);
      const request = { session: base.session, method: "prompts/get", name, input: values };
      const said = await prompt.render(values, await this.#round(request, base, incoming));
      if (said instanceof Questions) return this.#asking(request, said);
      return { description: prompt.description, messages: toMessages(said) };
    });
  }

  /** @throws UnknownFeature, FeatureError */
  async complete(ref: CompletionRef, typed: { name: string; value: string }, incoming: Incoming) {
    const found = await this.#completable(ref, typed.name, incoming);
    const values = await this.#forPerson("completion-failed", async () => {
      const base = incoming.callFor(found.requires);
      requireAccess(found, incoming, base);
      return (await found.complete?.(typed.value, firstRound(base))) ?? [];
    });
    const shown = values.slice(0, MAX_COMPLETIONS);
    const hasMore = values.length > shown.length;
    return { completion: { values: shown, total: values.length, hasMore } };
  }

  async #completable(ref: CompletionRef, name: string, incoming: Incoming): Promise<Completable> {
    const found =
      ref.type === "ref/prompt"
        ? this.#finder.promptArgument(await this.#prompt(ref.name, incoming), name)
        : this.#finder.templateVariable(ref.uri, name);
    if (found !== undefined) return found;
    const what = ref.type === "ref/prompt" ? ref.name : ref.uri;
    throw new UnknownFeature(`${what} has no argument ${name}.`);
  }

  async #prompt(name: string, incoming: Incoming): Promise<Prompt> {
    const found = (await this.#prompts(incoming)).find((prompt) => prompt.name === name);
    if (found === undefined) throw new UnknownFeature(`There is no prompt named ${name}.`);
    return found;
  }

  #prompts({ callFor }: Incoming): Promise<readonly Prompt[]> {
    return this.#forPerson("prompts-failed", () =>
      this.#finder.prompts(firstRound(callFor("mcp"))),
    );
  }

  /** The call of this round. */
  async #round(request: StatefulRequest, base: CallBase, incoming: Incoming): Promise<Call> {
    const { answers = {}, requestState } = incoming;
    const state =
      requestState === undefined ? undefined : await this.#states.open(request, requestState);
    return { ...base, answers, state };
  }

  async #asking(request: StatefulRequest, { byKey, state }: Questions): Promise<Asking> {
    const sealed = state === undefined ? undefined : await this.#states.seal(request, state);
    return new Asking(byKey, sealed);
  }

  /** What is thrown becomes something that the person may read. */
  async #forPerson<T>(event: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UnknownFeature || error instanceof StateInvalid) throw error;
      if (error instanceof FeatureError) throw error;
      this.#log.error(event, error);
      throw new FeatureError(messageFor(error), { cause: error });
    }
  }
}

/** @returns What a tool's failure is answered with, for the person and the model to read. */
export function toolError(error: unknown): ToolAnswer {
  return { content: [text(messageFor(error))], isError: true };
}

function toAnswer({ content, structured }: ToolResult): ToolAnswer {
  return {
    content: [...content],
    ...(structured !== undefined && { structuredContent: structured }),
  };
}

function toMessages(said: string | readonly PromptMessage[]): PromptMessage[] {
  return typeof said === "string" ? [{ role: "user", content: text(said) }] : [...said];
}

/** Of a request that the client is asked nothing for. */
function firstRound(base: CallBase): Call {
  return { ...base, answers: {}, state: undefined };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
