import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { LocalPlan } from "./local-settings.ts";
import type { RunningStack } from "./start-stack.ts";

/** Whether Azure Functions Core Tools are here: their installer may not have got their binary. */
export function hasCoreTools(): boolean {
  const { status } = spawnSync("func", ["--version"], { stdio: "ignore", timeout: 20_000 });
  return status === 0;
}

/**
 * Runs `func start` in the project's folder, its output passed through.
 *
 * @param onExit Called when it ends by itself.
 */
export function startCoreTools(root: URL, plan: LocalPlan, onExit: () => void): RunningStack {
  const child = spawn("func", ["start", "--port", String(plan.ports.app)], {
    cwd: root,
    env: { ...process.env, ...plan.values },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const exited = once(child, "exit");
  void exited.then(onExit);
  return {
    async stop() {
      child.kill("SIGINT");
      await exited;
    },
  };
}
