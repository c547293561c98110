import { afterEach, beforeEach, expect } from "vitest";
import { type Cluster, startCluster } from "./cluster.ts";
import { health } from "./health.ts";
import { connectAs, type ConnectedClient } from "./sdk-client.ts";
import { workKey } from "./work.ts";

const CALL_TIMEOUT_MS = 20_000;

/** Three instances, and Alice connected to one of them by HTTP+SSE: new ones for each test of a file. */
export function useCluster() {
  let cluster: Cluster;
  let alice: ConnectedClient;

  async function start(env: Record<string, string> = {}): Promise<void> {
    cluster = await startCluster({ env });
    alice = await connectAs(cluster.baseUrl, "alice");
  }
  async function stop(): Promise<void> {
    await alice.close();
    await cluster.stop();
  }
  beforeEach(() => start());
  afterEach(stop);

  return {
    get cluster() {
      return cluster;
    },
    get alice() {
      return alice;
    },

    /** Starts all of it anew. @param env Added to the settings of the instances. */
    async restart(env: Record<string, string>) {
      await stop();
      await start(env);
    },

    /** The instance that holds the one stream there is. */
    async streamOwner() {
      for (const instance of cluster.host.instances) {
        if ((await health(instance.url)).streams > 0) return instance;
      }
      throw new Error("nobody holds the stream");
    },

    async expectNoneTwice() {
      const twice = [...(await cluster.runs())].filter(([, count]) => count > 1);
      expect(twice).toEqual([]);
    },
  };
}

/** Calls the tool `work`. @returns Its key, or what the client was told instead. */
export async function work(
  client: ConnectedClient["client"],
  key: string,
  ms = 0,
): Promise<string> {
  try {
    const call = { name: "work", arguments: { key, ms } };
    return workKey(await client.callTool(call, undefined, { timeout: CALL_TIMEOUT_MS })) ?? "none";
  } catch (error) {
    return `failed: ${String(error)}`;
  }
}
