import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { buildPackage } from "./build-package.ts";
import { startFunctionsHost } from "./functions-host/start-functions-host.ts";
import { DATA_DIR, fail, readCommandLine, ROOT, stopOnSignal } from "./stack/command-line.ts";
import { hasCoreTools, startCoreTools } from "./stack/core-tools.ts";
import { instructions } from "./stack/instructions.ts";
import { type LocalPlan, planLocalStack } from "./stack/local-settings.ts";
import { requireFreePort } from "./stack/ports.ts";
import { type RunningStack, startStack } from "./stack/start-stack.ts";

const READY_TIMEOUT_MS = 60_000;

/** `npm start`: builds the server and runs it with all that it leans on, on this machine. */
async function start(): Promise<void> {
  const { flags, instances, fresh } = readCommandLine();
  const plan = planLocalStack(ROOT, flags, process.env);
  // One instance runs as in Azure when the Core Tools are here; several are ours to run.
  const coreTools = instances === 1 && hasCoreTools();
  for (let n = 0; n < instances; n++) await requireFreePort(plan.ports.app + n, "--port");
  await buildPackage();
  const stack = await startStack(plan, DATA_DIR, { allServices: coreTools, fresh });
  const host = await startHost(plan, instances, coreTools, stack);
  stopOnSignal(async () => {
    await host.stop();
    await stack.stop();
  });
  await waitUntilHealthy(plan.ports.app);
  console.log(instructions(plan, coreTools ? "func start" : localHost(instances)));
}

function localHost(instances: number): string {
  return instances === 1 ? "the local Functions host" : `${instances} instances, from this port on`;
}

async function startHost(
  plan: LocalPlan,
  instances: number,
  coreTools: boolean,
  stack: RunningStack,
): Promise<RunningStack> {
  try {
    if (coreTools) {
      return startCoreTools(ROOT, plan, () => fail("func start has ended."));
    }
    return await startFunctionsHost({
      root: fileURLToPath(ROOT),
      port: plan.ports.app,
      instances,
      env: plan.values,
      onLine: (line) => console.log(line),
    });
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function waitUntilHealthy(port: number): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(`http://localhost:${port}/health`).catch(() => undefined);
    if (response?.ok) return;
    if (Date.now() > deadline) throw new Error("The server does not answer on /health.");
    await sleep(100);
  }
}

await start().catch(fail);
