import { randomUUID } from "node:crypto";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { connectAs } from "../support/sdk-client.ts";
import { workKey } from "../support/work.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());

describe("a hundred clients at once", () => {
  it("get ten thousand right answers, none twice, none lost", async () => {
    // A second try must not meet the clients and the runs of the first.
    const load = randomUUID();
    const alice = await connectAs(cluster.baseUrl, "alice");
    onTestFinished(() => alice.close());
    const clients = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const client = new Client({ name: "load", version: "1" });
        const url = new URL("/sse", cluster.baseUrl);
        onTestFinished(() => client.close());
        await client.connect(new SSEClientTransport(url, { authProvider: alice.provider }));
        return client;
      }),
    );
    const wrong: string[] = [];
    await Promise.all(
      clients.map(async (client, who) => {
        for (let n = 0; n < 100; n++) {
          const key = `${load}-${who}-${n}`;
          const answer = await client.callTool({ name: "work", arguments: { key } });
          if (workKey(answer) !== key) wrong.push(key);
        }
      }),
    );
    expect(wrong).toEqual([]);
    const runs = [...(await cluster.runs())].filter(([key]) => key.startsWith(load));
    expect(runs).toHaveLength(10_000);
    expect(runs.every(([, count]) => count === 1)).toBe(true);
  }, 240_000);
});
