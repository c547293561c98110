import { fork, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  instanceReport,
  type InstanceCommand,
  type InstanceConfig,
  type InstanceReport,
} from "./messages.ts";

/** How the processes of an instance are started. */
export interface InstanceOptions {
  /** The name that its lines carry. */
  readonly name: string;
  readonly config: Omit<InstanceConfig, "due">;
  readonly env: NodeJS.ProcessEnv;
  /** Whether one that died is started again, as the host does with its worker. */
  readonly restart: boolean;
  readonly onLine: (line: string, source: string) => void;
}

/** How a process ended. */
export interface InstanceExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type ReadyReport = Extract<InstanceReport, { type: "ready" }>;

const START_TIMEOUT_MS = 60_000;
const FIRST_RESTART_DELAY_MS = 250;
const MAX_RESTART_DELAY_MS = 5_000;
// The worker's grace period: WorkerConstants.WorkerTerminateGracePeriodInSeconds of the host.
const TERMINATE_GRACE_MS = 5_000;

/** One instance through the lives of its processes: started, watched, started again on the same port, ended. */
export class InstanceProcess {
  readonly name: string;
  readonly #options: InstanceOptions;
  readonly #due: Record<string, string> = {};
  readonly #runs = new Map<number, (error: string | undefined) => void>();
  #child: ChildProcess | undefined;
  #port: number;
  #exited: Promise<InstanceExit> = Promise.resolve({ code: null, signal: null });
  #restartTimer: NodeJS.Timeout | undefined;
  #isStopping = false;
  #lastRun = 0;

  constructor(options: InstanceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#port = options.config.port;
  }

  /** Of the process that runs now or ran last. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Where it serves HTTP, once it is ready; meaningless for the one that runs timers. */
  get url(): string {
    return `http://localhost:${this.#port}`;
  }

  /** Settles when the process that runs now has ended. */
  get exited(): Promise<InstanceExit> {
    return this.#exited;
  }

  /**
   * Starts a process and waits until it is ready.
   *
   * @throws Error with its reason when it fails to
   */
  async start(): Promise<ReadyReport> {
    const { config, env } = this.#options;
    const argument = JSON.stringify({ ...config, port: this.#port, due: this.#due });
    const child = fork(fileURLToPath(new URL("./instance.ts", import.meta.url)), [argument], {
      cwd: config.root,
      env,
      execArgv: [],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // A session of its own: Ctrl-C reaches the supervisor, which sends the terminate message, and not the app.
      detached: true,
    });
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      // "close" comes after its last line.
      child.on("close", (code, signal) => resolve({ code, signal }));
    });
    this.#passOn(child);
    const ready = await this.#waitUntilReady(child);
    if (ready.port !== undefined) this.#port = ready.port;
    child.on("exit", (code, signal) => this.#restart({ code, signal }, FIRST_RESTART_DELAY_MS));
    return ready;
  }

  /** Ends it in the order of the contract: the terminate message, its hooks, and SIGKILL after five seconds. */
  async terminate(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (!child || hasExited(child)) return;
    this.#send({ type: "terminate" });
    const killer = setTimeout(() => {
      this.#options.onLine(
        "did not leave within 5 s after the terminate message; killed",
        this.name,
      );
      child.kill("SIGKILL");
    }, TERMINATE_GRACE_MS);
    await this.#exited;
    clearTimeout(killer);
  }

  /** Gives up on it for good, without its hooks. */
  async abandon(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restartTimer);
    await this.kill("SIGKILL");
  }

  /** Sends its process a signal and waits until it has ended. It comes back where `restart` is on. */
  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.#child && !hasExited(this.#child)) this.#child.kill(signal);
    await this.#exited;
  }

  /**
   * Runs one of its timer functions now.
   *
   * @throws Error when there is none of that name, when it fails, or when the process ends meanwhile
   */
  async runTimer(name: string): Promise<void> {
    this.#lastRun += 1;
    const id = this.#lastRun;
    const ran = new Promise<string | undefined>((resolve) => this.#runs.set(id, resolve));
    const ended = this.#exited.then(() => "The instance has ended.");
    this.#send({ type: "run", id, name });
    const error = await Promise.race([ran, ended]);
    this.#runs.delete(id);
    if (error !== undefined) throw new Error(error);
  }

  #send(command: InstanceCommand): void {
    if (this.#child?.connected) this.#child.send(command);
  }

  #passOn(child: ChildProcess): void {
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on("line", (line) =>
        this.#options.onLine(line, this.name),
      );
    }
    child.on("message", (message) => {
      const report = instanceReport.parse(message);
      if (report.type === "due") this.#due[report.name] = report.next;
      if (report.type === "ran") this.#runs.get(report.id)?.(report.error);
    });
  }

  #waitUntilReady(child: ChildProcess): Promise<ReadyReport> {
    return new Promise((resolve, reject) => {
      const giveUp = setTimeout(() => {
        reject(new Error(`${this.name} was not ready after ${START_TIMEOUT_MS / 1000} s.`));
        child.kill("SIGKILL");
      }, START_TIMEOUT_MS);
      child.on("message", (message) => {
        const report = instanceReport.parse(message);
        if (report.type === "ready") resolve(report);
        if (report.type === "failed")
          reject(new Error(`${this.name} did not start: ${report.message}`));
        if (report.type === "ready" || report.type === "failed") clearTimeout(giveUp);
      });
      child.on("error", reject);
      child.on("exit", (code, signal) => {
        clearTimeout(giveUp);
        reject(new Error(`${this.name} ended before it was ready (${code ?? signal}).`));
      });
    });
  }

  #restart({ code, signal }: InstanceExit, delayMs: number): void {
    if (this.#isStopping) return;
    const { restart, onLine } = this.#options;
    onLine(`ended (${code ?? signal})${restart ? "; starting it again" : ""}`, this.name);
    if (!restart) return;
    this.#restartTimer = setTimeout(() => {
      this.start().then(
        () => onLine(`ready again, pid ${this.pid}`, this.name),
        (error: unknown) => {
          onLine(String(error), this.name);
          void this.#exited.then((exit) =>
            this.#restart(exit, Math.min(delayMs * 2, MAX_RESTART_DELAY_MS)),
          );
        },
      );
    }, delayMs);
  }
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
