import { randomUUID } from "node:crypto";
import type {
  BindingInfo,
  CoreInvocationContext,
  FunctionMetadata,
  RegisteredFunction,
} from "./core-api.ts";
import type { LoadedApp } from "./load-app.ts";
import { runHooks } from "./run-hooks.ts";

/** A value as the host sends it to the worker. */
export type TypedData = { readonly string: string } | { readonly json: string };

/** An invocation as the host sends it to the worker. */
export interface Invocation {
  readonly functionName: string;
  readonly invocationId: string;
  readonly triggerData: TypedData;
  readonly triggerMetadata: Readonly<Record<string, TypedData>>;
  readonly traceParent?: string | undefined;
  readonly traceState?: string | undefined;
}

/** A fresh invocation id. */
export function createInvocationId(): string {
  return randomUUID();
}

/**
 * Runs one invocation through the library's model, with the hooks around it. The answer of an HTTP function leaves
 * through the library's own proxy, not through here: where the handler throws, nothing ever answers the caller.
 *
 * @throws what the handler or a hook threw
 * @see README.md, "The worker's contract": a request
 */
export async function invoke(app: LoadedApp, invocation: Invocation): Promise<void> {
  const { worker, model } = app;
  const found = worker.functions.get(invocation.functionName);
  if (!found) throw new Error(`Function code for '${invocation.functionName}' is not loaded.`);
  const core = coreContext(app, found, invocation);
  const invocationModel = model.getInvocationModel(core);
  const { context, inputs } = await invocationModel.getArguments();

  const hookData = {};
  const before = { hookData, invocationContext: context, inputs, functionCallback: found.callback };
  core.state = "preInvocationHooks";
  await runHooks(worker, "preInvocation", before);

  const after: { result: unknown; error: unknown } & object = Object.assign(
    { result: null, error: null },
    { hookData, invocationContext: context, inputs: before.inputs },
  );
  core.state = "invocation";
  try {
    after.result = await invocationModel.invokeFunction(
      context,
      before.inputs,
      before.functionCallback,
    );
  } catch (error) {
    after.error = error;
  }
  core.state = "postInvocationHooks";
  await runHooks(worker, "postInvocation", after);
  core.state = undefined;

  // The genuine worker looks for an Error: anything else that was thrown counts as an empty result.
  if (after.error instanceof Error) throw after.error;
  await invocationModel.getResponse(context, after.result);
}

function coreContext(
  { worker }: LoadedApp,
  { metadata }: RegisteredFunction,
  invocation: Invocation,
): CoreInvocationContext {
  const { invocationId, triggerData, triggerMetadata, traceParent, traceState } = invocation;
  return {
    invocationId,
    request: {
      invocationId,
      functionId: metadata.name,
      inputData: [{ name: triggerName(metadata), data: triggerData }],
      triggerMetadata,
      traceContext: { traceParent, traceState, attributes: {} },
    },
    metadata: { name: metadata.name, bindings: rpcBindings(metadata.bindings) },
    state: undefined,
    log: (level, category, message) =>
      worker.log({ level, category, message, functionName: metadata.name }),
  };
}

function triggerName({ bindings }: FunctionMetadata): string | undefined {
  return Object.entries(bindings).find(([, { type }]) => /trigger$/i.test(String(type)))?.[0];
}

/** Only these members of a binding make the way to the host and back. */
function rpcBindings(bindings: FunctionMetadata["bindings"]): FunctionMetadata["bindings"] {
  const kept = Object.entries(bindings).map(([name, info]) => [name, rpcBinding(info)] as const);
  return Object.fromEntries<BindingInfo>(kept);
}

function rpcBinding({ type, direction, dataType, properties }: BindingInfo): BindingInfo {
  return { type, direction, dataType, properties };
}
