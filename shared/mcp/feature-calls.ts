import { EntraError } from "../entra/entra.ts";
import { GraphError } from "../entra/graph.ts";
import {
  type Call,
  FeatureError,
  type Features,
  type Prompt,
  requireRole,
  type Resource,
  RoleMissing,
  type Tool,
} from "../features/feature.ts";
import { KeysUnavailable } from "../keys/key-wrapper.ts";
import type { Log } from "../log.ts";
import type { Scope } from "../oauth/scopes.ts";
import { SignInOver } from "../sessions/sign-ins.ts";
import { StorageUnavailable } from "../storage/store.ts";

/** The client asked for a feature that is not there. */
export class UnknownFeature extends Error {
  override name = "UnknownFeature";
}

/** The client's grant does not cover what it asked for. */
export class ScopeMissing extends FeatureError {
  override name = "ScopeMissing";
  readonly scope: Scope;

  constructor(scope: Scope) {
    super(
      `This needs the permission "${scope}", which this app was not given. ` +
        "Disconnect the app from this server and connect it again to allow it.",
    );
    this.scope = scope;
  }
}

export type ToolOutcome =
  | { readonly ok: true; readonly structured: Record<string, unknown>; readonly text: string }
  | { readonly ok: false; readonly text: string };

/** Makes the call that a feature gets; which Graph permissions it has depends on what it requires. */
export type CallFor = (requires: Scope | undefined) => Call;

/** Finds features and runs them. It knows neither an SDK nor a transport. */
export class FeatureCalls {
  readonly #features: Features;
  readonly #log: Log;

  constructor(deps: { features: Features; log: Log }) {
    this.#features = deps.features;
    this.#log = deps.log;
  }

  get tools(): readonly Tool[] {
    return this.#features.tools;
  }

  get resources(): readonly Resource[] {
    return this.#features.resources;
  }

  /** @throws UnknownFeature where there is no such tool. What the tool throws becomes an outcome. */
  async callTool(
    name: string,
    input: unknown,
    scopes: readonly Scope[],
    callFor: CallFor,
  ): Promise<ToolOutcome> {
    const tool = this.#features.tools.find((candidate) => candidate.name === name);
    if (tool === undefined) throw new UnknownFeature(`There is no tool named ${name}.`);
    const call = callFor(tool.requires);
    const subject = {
      tool: name,
      actor: call.session.userKey,
      session: call.session.id,
      client: call.session.clientId,
    };
    try {
      requireScope(tool.requires, scopes);
      requireRole(tool.requiresRole, call.session);
      const result = await tool.call(input, call);
      this.#log.audit("tool-called", { outcome: "success", ...subject });
      return { ok: true, ...result };
    } catch (error) {
      if (call.signal.aborted) throw error;
      const denied = error instanceof ScopeMissing || error instanceof RoleMissing;
      const outcome = denied ? "denied" : "failure";
      this.#log.audit("tool-called", { outcome, ...subject, reason: nameOf(error) });
      if (!(error instanceof FeatureError)) this.#log.error("tool-failed", error, { tool: name });
      return { ok: false, text: messageFor(error) };
    }
  }

  /** @throws UnknownFeature, FeatureError */
  readResource(
    uri: string,
    scopes: readonly Scope[],
    callFor: CallFor,
  ): Promise<{ mimeType: string; text: string }> {
    return this.#forPerson("resource-failed", async () => {
      const resource = this.resource(uri);
      requireScope(resource.requires, scopes);
      const call = callFor(resource.requires);
      requireRole(resource.requiresRole, call.session);
      return { mimeType: resource.mimeType, text: await resource.read(call) };
    });
  }

  /** @throws UnknownFeature */
  resource(uri: string): Resource {
    const found = this.#features.resources.find((candidate) => candidate.uri === uri);
    if (found === undefined) throw new UnknownFeature(`There is no resource ${uri}.`);
    return found;
  }

  /** The built-in prompts, then the person's own; a saved prompt cannot take the place of a built-in one. */
  prompts(callFor: CallFor): Promise<readonly Prompt[]> {
    return this.#forPerson("prompts-failed", async () => {
      const call = callFor("mcp");
      const sources = this.#features.promptSources.map((source) => source.list(call));
      const own = (await Promise.all(sources)).flat();
      const builtIn = this.#features.prompts;
      return [...builtIn, ...own.filter(({ name }) => !builtIn.some((it) => it.name === name))];
    });
  }

  /** @throws UnknownFeature, FeatureError where a required argument is missing. */
  async renderPrompt(
    name: string,
    values: Readonly<Record<string, string>>,
    scopes: readonly Scope[],
    callFor: CallFor,
  ): Promise<{ description: string; text: string }> {
    const prompt = await this.#prompt(name, callFor);
    const missing = prompt.arguments.find((it) => it.required === true && !values[it.name]);
    if (missing !== undefined) throw new FeatureError(`The argument ${missing.name} is missing.`);
    return this.#forPerson("prompt-failed", async () => {
      requireScope(prompt.requires, scopes);
      const call = callFor(prompt.requires);
      requireRole(prompt.requiresRole, call.session);
      return { description: prompt.description, text: await prompt.render(values, call) };
    });
  }

  /** @throws UnknownFeature */
  async completeArgument(
    promptName: string,
    argumentName: string,
    typed: string,
    scopes: readonly Scope[],
    callFor: CallFor,
  ): Promise<readonly string[]> {
    const prompt = await this.#prompt(promptName, callFor);
    const argument = prompt.arguments.find(({ name }) => name === argumentName);
    if (argument === undefined) {
      throw new UnknownFeature(`${promptName} has no argument ${argumentName}.`);
    }
    return this.#forPerson("completion-failed", async () => {
      requireScope(prompt.requires, scopes);
      const call = callFor(prompt.requires);
      requireRole(prompt.requiresRole, call.session);
      return (await argument.complete?.(typed, call)) ?? [];
    });
  }

  async #prompt(name: string, callFor: CallFor): Promise<Prompt> {
    const found = (await this.prompts(callFor)).find((prompt) => prompt.name === name);
    if (found === undefined) throw new UnknownFeature(`There is no prompt named ${name}.`);
    return found;
  }

  /** What is thrown becomes something that the person may read. */
  async #forPerson<T>(event: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof UnknownFeature || error instanceof FeatureError) throw error;
      this.#log.error(event, error);
      throw new FeatureError(messageFor(error), { cause: error });
    }
  }
}

function requireScope(scope: Scope | undefined, granted: readonly Scope[]): void {
  if (scope !== undefined && !granted.includes(scope)) throw new ScopeMissing(scope);
}

/** @returns What the person may read. */
function messageFor(error: unknown): string {
  if (error instanceof FeatureError || error instanceof GraphError) return error.message;
  if (error instanceof StorageUnavailable) return "The server cannot reach its storage right now.";
  if (error instanceof KeysUnavailable) return "The server cannot reach its keys right now.";
  if (error instanceof SignInOver) return `${error.message} Connect this app again to sign in.`;
  if (!(error instanceof EntraError)) return "Something went wrong on the server.";
  return error.kind === "transient" || error.kind === "configuration"
    ? "The server cannot reach Microsoft Entra ID right now. Try again in a moment."
    : "Your sign-in needs to be renewed. Disconnect this app from the server and connect it again.";
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
