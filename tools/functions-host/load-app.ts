import { globSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createWorker, provideCoreApi, type ProgrammingModel, type Worker } from "./core-api.ts";
import type { Log } from "./log.ts";
import { runHooks } from "./run-hooks.ts";
import type { AppSettings } from "./settings.ts";

/** An app that has started: its functions, its hooks, and where the library's own HTTP proxy listens. */
export interface LoadedApp {
  readonly worker: Worker;
  readonly model: ProgrammingModel;
  readonly httpUri: URL;
}

/**
 * Starts an app as the genuine worker does: supplies `@azure/functions-core`, loads `package.json#main` (ESM or
 * CommonJS, a path or a pattern), runs the `appStart` hooks, asks the library for its capabilities, of which `HttpUri`
 * is its own proxy, and closes the registration of functions.
 *
 * @throws Error when the entry point cannot be loaded, registers nothing, or does not enable HTTP streaming
 * @see README.md, "The worker's contract": start
 */
export async function loadApp(root: string, settings: AppSettings, log: Log): Promise<LoadedApp> {
  const worker = createWorker(log);
  provideCoreApi(worker);
  await loadEntryPoint(root, settings);
  await runHooks(worker, "appStart", {
    hookData: worker.appLevelHookData,
    functionAppDirectory: root,
  });
  const model = worker.programmingModel;
  if (!model || worker.functions.size === 0) {
    throw new Error(`The entry point "${settings.main}" registered no functions.`);
  }
  const capabilities = await model.getCapabilities?.({});
  worker.indexed = true;
  const httpUri = capabilities?.["HttpUri"];
  if (httpUri === undefined) {
    throw new Error(
      "The app must call app.setup({ enableHttpStream: true }): this host only streams.",
    );
  }
  return { worker, model, httpUri: new URL(httpUri) };
}

async function loadEntryPoint(root: string, { main, isModule }: AppSettings): Promise<void> {
  const files = globSync(main, { cwd: root });
  if (files.length === 0) {
    throw new Error(`The entry point "${main}" does not exist in ${root}. Has the app been built?`);
  }
  for (const file of files.toSorted()) {
    const path = join(root, file);
    try {
      await loadScript(path, isModule);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      // The stack is the app's own and says where; the message alone goes to whoever started the host.
      console.error(reason.stack);
      throw new Error(`Worker was unable to load entry point "${file}": ${reason.message}`, {
        cause: error,
      });
    }
  }
}

async function loadScript(path: string, isModule: boolean): Promise<void> {
  const isEsm = path.endsWith(".mjs") || (isModule && !path.endsWith(".cjs"));
  if (isEsm) await import(pathToFileURL(path).href);
  else createRequire(path)(path);
}
