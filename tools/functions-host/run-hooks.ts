import type { HookName, Worker } from "./core-api.ts";

/**
 * Runs the hooks of one kind in the order of their registration, each awaited.
 *
 * @param context what they are given besides `appHookData`; they share it and may change it
 * @throws what a hook throws; those after it do not run
 */
export async function runHooks(worker: Worker, name: HookName, context: object): Promise<void> {
  Object.assign(context, { appHookData: worker.appHookData });
  for (const hook of worker.hooks[name]) await hook(context);
}
