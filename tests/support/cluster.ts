import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildPackageWith } from "../../tools/build-package.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { type LocalStack, startLocalStack } from "./local-stack.ts";
import { type RoundRobinProxy, startRoundRobinProxy } from "./round-robin-proxy.ts";

/** Three instances behind a front end without affinity, and a tool that writes down its runs. */
export interface Cluster extends LocalStack {
  readonly proxy: RoundRobinProxy;
  /** How often each key of the tool `work` ran, on whatever instance. */
  runs(): Promise<Map<string, number>>;
}

/** The three instances as Azure would have them: any request reaches any of them. */
export async function startCluster(
  options: {
    env?: Record<string, string>;
    instances?: number;
    /** What the instances offer; `test-features.ts` by default. */
    features?: URL;
    /** What the front end adds to each request. */
    headers?: () => Record<string, string>;
  } = {},
): Promise<Cluster> {
  const folder = pathToFileURL(`${await mkdtemp(join(tmpdir(), "entra-mcp-cluster-"))}/`);
  const runsFile = new URL("runs", folder);
  const packageRoot = new URL("package/", folder);
  const features = options.features ?? new URL("test-features.ts", import.meta.url);
  await buildPackageWith(packageRoot, features);
  const port = await freePort();
  const stack = await startLocalStack({
    packageRoot,
    instances: options.instances ?? 3,
    publicBaseUrl: `http://localhost:${port}`,
    durable: true,
    env: { TEST_RUNS_FILE: runsFile.pathname, ...options.env },
  });
  const proxy = await startRoundRobinProxy(() => stack.host.instances.map(({ url }) => url), {
    port,
    ...(options.headers !== undefined && { headers: options.headers }),
  });
  return {
    ...stack,
    proxy,
    async runs() {
      const text = await readFile(runsFile, "utf8").catch(() => "");
      const counts = new Map<string, number>();
      for (const key of text.split("\n").filter(Boolean)) {
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      return counts;
    },
    async stop() {
      await proxy.stop();
      await stack.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
