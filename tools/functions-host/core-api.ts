import Module from "node:module";
import { format } from "node:util";
import { LOG_LEVELS, type Log, type LogLevel } from "./log.ts";

/** What a function says of one of its bindings. */
export type BindingInfo = Readonly<Record<string, unknown>>;

export interface FunctionMetadata {
  readonly name: string;
  readonly bindings: Readonly<Record<string, BindingInfo>>;
}

export type FunctionCallback = (...inputs: unknown[]) => unknown;

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly callback: FunctionCallback;
}

/** What the library asks of a worker for one invocation. */
export interface CoreInvocationContext {
  readonly invocationId: string;
  readonly request: unknown;
  readonly metadata: FunctionMetadata;
  /** Between the states: undefined. */
  state: "preInvocationHooks" | "invocation" | "postInvocationHooks" | undefined;
  log(level: LogLevel, category: "user" | "system", message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<unknown>;
}

export interface ProgrammingModel {
  readonly name: string;
  readonly version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities?(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

export type HookName = "appStart" | "appTerminate" | "preInvocation" | "postInvocation" | "log";
export type HookCallback = (context: object) => unknown;

/** What an app has registered with its worker. */
export interface Worker {
  readonly functions: Map<string, RegisteredFunction>;
  readonly hooks: Readonly<Record<HookName, HookCallback[]>>;
  /** Shared by all hooks. */
  readonly appHookData: Record<string, unknown>;
  /** Shared by the hooks of the app's own start and end. */
  readonly appLevelHookData: Record<string, unknown>;
  readonly log: Log;
  programmingModel: ProgrammingModel | undefined;
  /** Set once the host has asked for the functions: nothing can be registered any more. */
  indexed: boolean;
}

/** An empty worker whose log runs the app's log hooks, which may change what the user's code logged. */
export function createWorker(log: Log): Worker {
  const hooks: Worker["hooks"] = {
    appStart: [],
    appTerminate: [],
    preInvocation: [],
    postInvocation: [],
    log: [],
  };
  const appHookData = {};
  return {
    functions: new Map(),
    hooks,
    appHookData,
    appLevelHookData: {},
    programmingModel: undefined,
    indexed: false,
    log: (entry) => {
      const { level, message, category } = entry;
      const context = { level, message, category, hookData: {}, appHookData };
      try {
        for (const hook of hooks.log) hook(context);
      } catch {
        // A hook of the app cannot prevent a log line.
      }
      log(
        category === "user" ? { ...entry, level: context.level, message: context.message } : entry,
      );
    },
  };
}

/**
 * Supplies `require("@azure/functions-core")` to everything loaded from now on, CommonJS and `createRequire` alike, by
 * the means of the genuine worker: it is no package, so it must not be looked for on disk.
 */
export function provideCoreApi(worker: Worker): void {
  const api = createCoreApi(worker);
  // oxlint-disable-next-line typescript/unbound-method -- the proxy passes `this` on
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply(target, self, args: [string]): unknown {
      return args[0] === "@azure/functions-core" ? api : Reflect.apply(target, self, args);
    },
  });
}

function createCoreApi(worker: Worker): object {
  return {
    version: "3.13.0",
    hostVersion: "4.1045.200",
    Disposable,
    registerFunction: (metadata: FunctionMetadata, callback: FunctionCallback) => {
      if (worker.indexed)
        throw systemError("A function can only be registered during app startup.");
      if (worker.functions.has(metadata.name)) {
        throw systemError(`A function with id "${metadata.name}" has already been registered.`);
      }
      worker.functions.set(metadata.name, { metadata, callback });
      return new Disposable(() => {
        if (worker.indexed)
          throw systemError("A function can only be disposed during app startup.");
        worker.functions.delete(metadata.name);
      });
    },
    registerHook: (name: HookName, callback: HookCallback) => {
      if (!Object.hasOwn(worker.hooks, name)) {
        throw systemError(`Unrecognized hook "${name}"`, RangeError);
      }
      const hooks = worker.hooks[name];
      hooks.push(callback);
      return new Disposable(() => {
        const index = hooks.indexOf(callback);
        if (index >= 0) hooks.splice(index, 1);
      });
    },
    setProgrammingModel: (model: ProgrammingModel) => {
      worker.programmingModel = model;
    },
    getProgrammingModel: () => worker.programmingModel,
    log: (level: LogLevel, category: "user" | "system", ...message: unknown[]) => {
      worker.log({
        level: LOG_LEVELS.includes(level) ? level : "information",
        category,
        message: format(...message),
      });
    },
  };
}

/** The library reads `isAzureFunctionsSystemError` to tell a fault of the platform from one of the app. */
function systemError(
  message: string,
  kind: ErrorConstructor | RangeErrorConstructor = Error,
): Error {
  return Object.assign(new kind(message), { isAzureFunctionsSystemError: true });
}

class Disposable {
  static from(...disposables: readonly { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }

  #onDispose: (() => unknown) | undefined;

  constructor(onDispose: () => unknown) {
    this.#onDispose = onDispose;
  }

  dispose(): unknown {
    const onDispose = this.#onDispose;
    this.#onDispose = undefined;
    return onDispose?.();
  }
}
