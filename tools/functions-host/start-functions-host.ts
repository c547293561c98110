import { resolve } from "node:path";
import { InstanceProcess, type InstanceExit } from "./instance-process.ts";
import { readAppSettings, readLocalSettings } from "./settings.ts";

/** How a host is started. */
export interface FunctionsHostOptions {
  /** The folder of `host.json` and `package.json`; the current one by default. */
  readonly root?: string | undefined;
  /** The first instance's port, the others' follow it; 0 picks free ones. By default `Host.LocalHttpPort`, or 7071. */
  readonly port?: number | undefined;
  /** How many instances serve HTTP; 1 by default. */
  readonly instances?: number | undefined;
  /** Over the environment, which is over the settings file; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Relative to `root`; `local.settings.json` by default. */
  readonly settingsFile?: string | undefined;
  /** Whether an instance that died is started again, on its port and under its pod name; true by default. */
  readonly restart?: boolean | undefined;
  /** How long the host waits while nothing moves in an exchange, in milliseconds; 240 s by default, as in Azure. */
  readonly activityTimeoutMs?: number | undefined;
  /** Each line that an instance writes, its log lines too, with the instance's name. Dropped by default. */
  readonly onLine?: ((line: string, source: string) => void) | undefined;
}

/** One instance of a host that runs. */
export interface HostInstance {
  readonly name: string;
  readonly pid: number | undefined;
  /** Settles when its present process has ended. */
  readonly exited: Promise<InstanceExit>;
  /** Sends its process a signal, SIGKILL by default, and waits until it has ended. It comes back unless `restart` is off. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export interface HttpInstance extends HostInstance {
  /** Its origin, such as `http://localhost:7071`. */
  readonly url: string;
}

export interface FunctionsHost {
  readonly instances: readonly HttpInstance[];
  /** The process that runs the timers and serves no HTTP, where the app has timers. */
  readonly timers: HostInstance | undefined;
  /** Runs a timer function now, where the timers run; throws when it fails or there is none of that name. */
  runTimer(name: string): Promise<void>;
  /** Ends all instances: their terminate hooks run, five seconds at most, then they leave. */
  stop(): Promise<void>;
}

const DEFAULT_PORT = 7071;
const DEFAULT_ACTIVITY_TIMEOUT_MS = 240_000;

/**
 * Starts the local Functions host over a built app: a process for each instance, and one more for the timers, as on
 * Flex Consumption, where every function that is not HTTP scales by itself.
 *
 * @returns the running host, once every instance is ready
 * @throws Error with the reason when an instance does not start; none is left running then
 */
export async function startFunctionsHost(
  options: FunctionsHostOptions = {},
): Promise<FunctionsHost> {
  const root = resolve(options.root ?? ".");
  readAppSettings(root);
  const settings = readLocalSettings(resolve(root, options.settingsFile ?? "local.settings.json"));
  const firstPort = options.port ?? settings.port ?? DEFAULT_PORT;
  const inherited = { ...settings.values, ...process.env, ...options.env };

  const create = (name: string, role: "http" | "timers", port: number): InstanceProcess =>
    new InstanceProcess({
      name,
      config: {
        root,
        role,
        port,
        activityTimeoutMs: options.activityTimeoutMs ?? DEFAULT_ACTIVITY_TIMEOUT_MS,
      },
      // Given by hand, one pod name serves all; otherwise it tells the instances apart.
      env: { WEBSITE_POD_NAME: name, AZURE_FUNCTIONS_ENVIRONMENT: "Development", ...inherited },
      restart: options.restart ?? true,
      onLine: options.onLine ?? (() => undefined),
    });

  const instances = Array.from({ length: options.instances ?? 1 }, (_, index) =>
    create(`local-${index + 1}`, "http", firstPort === 0 ? 0 : firstPort + index),
  );
  const all = [...instances];
  const stop = async (): Promise<void> => {
    await Promise.all(all.map((instance) => instance.terminate()));
  };
  try {
    const [first] = await Promise.all(instances.map((instance) => instance.start()));
    const timers = first && first.timers > 0 ? create("local-timers", "timers", 0) : undefined;
    if (timers) {
      all.push(timers);
      await timers.start();
    }
    return {
      instances,
      timers,
      runTimer: async (name) => {
        if (!timers) throw new Error("The app has no timer functions.");
        await timers.runTimer(name);
      },
      stop,
    };
  } catch (error) {
    await Promise.all(all.map((instance) => instance.abandon()));
    throw error;
  }
}
