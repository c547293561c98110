import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { recorder } from "../support/redaction/recorder.ts";

/** A command as somebody runs it in a terminal. */
export interface RunningCommand {
  readonly child: ChildProcess;
  /** What it has printed, errors too. */
  readonly output: () => string;
  /** Its exit code, when it has ended. */
  readonly code: Promise<number | null>;
  /** Ctrl-C: as a terminal does it, to the whole group. */
  readonly interrupt: () => void;
}

/**
 * Runs a script in a process group of its own, and kills it when the test is over.
 *
 * @param cwd The folder that it starts in; the present one by default.
 */
export function runCommand(script: URL, args: readonly string[], cwd?: string): RunningCommand {
  return run(process.execPath, [fileURLToPath(script), ...args], cwd);
}

/** As {@link runCommand}, by npm: `npm run NAME -- ARGS` in a folder. */
export function runNpm(name: string, args: readonly string[], folder: URL): RunningCommand {
  return run("npm", ["run", name, "--", ...args], fileURLToPath(folder));
}

function run(command: string, args: readonly string[], cwd: string | undefined): RunningCommand {
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  }
  onTestFinished(() => {
    child.kill("SIGKILL");
    recorder.line(text);
  });
  const code = new Promise<number | null>((resolve) => child.on("exit", resolve));
  const interrupt = () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
  };
  return { child, output: () => text, code, interrupt };
}

/** Whether something on this machine accepts connections at a port. */
export async function listens(port: number): Promise<boolean> {
  return (await accepts(port, "127.0.0.1")) || (await accepts(port, "::1"));
}

function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
