import { listFunctions, type AppFunctions } from "./app-functions.ts";
import { createInvocationId, invoke, type Invocation } from "./invoke.ts";
import { loadApp, type LoadedApp } from "./load-app.ts";
import { createLog, type Log } from "./log.ts";
import {
  instanceCommand,
  instanceConfig,
  type InstanceConfig,
  type InstanceReport,
} from "./messages.ts";
import { createRouter } from "./router.ts";
import { runHooks } from "./run-hooks.ts";
import { newTraceParent } from "./trace-parent.ts";
import { readAppSettings, type AppSettings } from "./settings.ts";
import { startFront, type Front } from "./start-front.ts";
import { startTimers, type Timers } from "./timers.ts";

// The process of one instance: the app with its library, and the front or the timers before it.

/** `ScriptConstants.DefaultMaxRequestBodySize` of the host. */
const DEFAULT_BODY_LIMIT_BYTES = 104_857_600;

const report = (message: InstanceReport): void => {
  process.send?.(message);
};

// Without its host a worker has nothing to live for, and no time for hooks.
process.on("disconnect", () => process.exit(1));

// Until the app has started there is nothing to end in order.
const leave = (): never => process.exit(0);
process.on("message", leave);

const config = instanceConfig.parse(JSON.parse(process.argv[2] ?? "null"));
try {
  await start(config);
} catch (error) {
  report({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  setImmediate(() => process.exit(1));
}

async function start({ root, role, port, activityTimeoutMs, due }: InstanceConfig): Promise<void> {
  const settings = readAppSettings(root);
  const log = createLog(
    settings.logLevels,
    (line) => console.log(line),
    () => new Date(),
  );
  const app = await loadApp(root, settings, log);
  const functions = listFunctions(app.worker);
  const run = createRunner(app, settings, log);

  let front: Front | undefined;
  let timers: Timers | undefined;
  if (role === "http") {
    logFaults(functions, settings, log);
    front = await startFront(
      {
        functions: functions.http,
        routePrefix: settings.routePrefix,
        httpUri: app.httpUri.href,
        recordsTraces: settings.recordsTraces,
        isHomepageDisabled: process.env["AzureWebJobsDisableHomepage"]?.toLowerCase() === "true",
        bodyLimitBytes: bodyLimit(process.env["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"]),
        activityTimeoutMs,
        port,
      },
      (invocation) => void run(invocation).catch(() => undefined),
    );
  } else {
    timers = startAppTimers(functions, settings, due, run);
    for (const message of timers.faults) log({ level: "error", category: "system", message });
  }
  obey(app, log, front, timers);
  report({ type: "ready", port: front?.port, timers: functions.timers.length });
}

/** Runs invocations: logs their failures before it throws them, and leaves when one outlives `functionTimeout`, as the host would end it. */
function createRunner(
  app: LoadedApp,
  { functionTimeoutMs }: AppSettings,
  log: Log,
): (invocation: Invocation) => Promise<void> {
  return async (invocation) => {
    const { functionName } = invocation;
    const fail = (message: string): void =>
      log({ level: "error", category: "system", functionName, message });
    const timeout =
      functionTimeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            fail(`Timeout value of ${functionTimeoutMs} ms exceeded; the worker is ended.`);
            process.exit(1);
          }, functionTimeoutMs);
    try {
      await invoke(app, invocation);
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      fail(
        `Executed 'Functions.${functionName}' (Failed, Id=${invocation.invocationId}) ${reason}`,
      );
      throw error;
    } finally {
      clearTimeout(timeout);
    }
  };
}

function startAppTimers(
  { timers }: AppFunctions,
  { recordsTraces }: AppSettings,
  due: Readonly<Record<string, string>>,
  run: (invocation: Invocation) => Promise<void>,
): Timers {
  return startTimers(timers, due, {
    now: () => new Date(),
    after: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    settings: process.env,
    run: (functionName, timer) =>
      run({
        functionName,
        invocationId: createInvocationId(),
        triggerData: { json: timer },
        triggerMetadata: { TimerTrigger: { json: timer } },
        // From 4.1044 on the host begins a trace for triggers that bring none, if it records any.
        ...(recordsTraces && { traceParent: newTraceParent(true) }),
      }),
    onDue: (name, next) => report({ type: "due", name, next: next.toISOString() }),
  });
}

/** Does what the supervisor says: runs a timer, or ends the app in the order of the contract. */
function obey(
  app: LoadedApp,
  log: Log,
  front: Front | undefined,
  timers: Timers | undefined,
): void {
  let isTerminating = false;
  const terminate = async (): Promise<never> => {
    front?.stopListening();
    timers?.stop();
    let exitCode = 0;
    try {
      await runHooks(app.worker, "appTerminate", { hookData: app.worker.appLevelHookData });
    } catch (error) {
      log({ level: "error", category: "system", message: `appTerminate: ${String(error)}` });
      exitCode = 1;
    }
    front?.settle();
    process.exit(exitCode);
  };
  process.off("message", leave);
  process.on("message", (message) => {
    const command = instanceCommand.parse(message);
    if (command.type === "terminate") {
      if (!isTerminating) void terminate();
      isTerminating = true;
      return;
    }
    const { id, name } = command;
    (timers?.runNow(name) ?? Promise.reject(new Error("This instance runs no timers."))).then(
      () => report({ type: "ran", id }),
      (error: unknown) => report({ type: "ran", id, error: String(error) }),
    );
  });
}

/** The longest body that the host takes, unless its setting says otherwise. */
function bodyLimit(setting: string | undefined): number {
  const bytes = Number(setting);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : DEFAULT_BODY_LIMIT_BYTES;
}

function logFaults({ http, others }: AppFunctions, settings: AppSettings, log: Log): void {
  for (const { functionName, reason } of createRouter(http, settings.routePrefix).faults) {
    const message = `The '${functionName}' function is in error: ${reason}`;
    log({ level: "error", category: "system", message });
  }
  for (const name of others) {
    const message = `The '${name}' function has a trigger that this host does not run.`;
    log({ level: "warning", category: "system", message });
  }
}
