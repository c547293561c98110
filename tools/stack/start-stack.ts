import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { startEntra } from "../entra/start-entra.ts";
import type { LocalPlan } from "./local-settings.ts";
import { requireFreePort } from "./ports.ts";
import { startAzurite } from "./start-azurite.ts";

export interface RunningStack {
  stop(): Promise<void>;
}

/**
 * Starts what the server leans on: Azurite and the Entra stand-in, as far as the plan has them.
 *
 * @param dataDir A folder that survives a restart.
 * @param options.allServices Whether Azurite serves blobs and queues too.
 * @param options.fresh Whether the folder is emptied first: once it is sure that nothing uses it.
 * @throws Error that says which flag helps when a port is taken.
 */
export async function startStack(
  plan: LocalPlan,
  dataDir: URL,
  { allServices, fresh }: { allServices: boolean; fresh: boolean },
): Promise<RunningStack> {
  const { ports } = plan;
  const running: RunningStack[] = [];
  const stop = async () => {
    // Storage last: whoever still writes may finish.
    for (const part of running.toReversed()) await part.stop();
  };
  if (plan.withAzurite) {
    await requireFreePort(ports.table, "--table-port");
    if (allServices) {
      await requireFreePort(ports.blob, "--blob-port");
      await requireFreePort(ports.queue, "--queue-port");
    }
  }
  if (plan.withEntra) await requireFreePort(ports.entra, "--entra-port");
  if (fresh) await rm(dataDir, { recursive: true, force: true });
  try {
    if (plan.withAzurite) {
      const folder = fileURLToPath(new URL("azurite", dataDir));
      running.push(await startAzurite({ ports, dataDir: folder, allServices }));
    }
    if (plan.withEntra) {
      const folder = fileURLToPath(new URL("entra", dataDir));
      running.push(await startEntra({ port: ports.entra, dataDir: folder }));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
