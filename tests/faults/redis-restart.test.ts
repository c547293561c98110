import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { connectAs } from "../support/sdk-client.ts";
import { describeWithRedis, startTestRedis, type TestRedis } from "../support/test-redis.ts";
import { workKey } from "../support/work.ts";

const CLIENTS = 10;
const CALLS_OF_EACH = 200;

describeWithRedis("three processes with a Redis that is restarted empty in the middle", () => {
  let redis: TestRedis;
  let cluster: Cluster;
  beforeAll(async () => {
    redis = await startTestRedis();
    cluster = await startCluster({ env: { REDIS_URL: redis.url } });
  });
  afterAll(async () => {
    await cluster.stop();
    await redis.stop();
  });

  it("answer every call, none twice", async () => {
    const alice = await connectAs(cluster.baseUrl, "alice");
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const client = new Client({ name: "restart", version: "1" });
        const url = new URL("/sse", cluster.baseUrl);
        await client.connect(new SSEClientTransport(url, { authProvider: alice.provider }));
        return client;
      }),
    );
    let answered = 0;
    const wrong: string[] = [];
    const calls = clients.map(async (client, who) => {
      for (let n = 0; n < CALLS_OF_EACH; n++) {
        const key = `restart-${who}-${n}`;
        const answer = await client.callTool({ name: "work", arguments: { key } });
        if (workKey(answer) !== key) wrong.push(key);
        answered += 1;
      }
    });
    await expect.poll(() => answered, { timeout: 60_000 }).toBeGreaterThan(CLIENTS * 20);
    const relayed = String(await redis.command("INFO", "commandstats"));
    expect(Number(/cmdstat_xdel:calls=(\d+)/.exec(relayed)?.[1])).toBeGreaterThan(CLIENTS);
    await redis.stop();
    await expect.poll(() => answered, { timeout: 60_000 }).toBeGreaterThan(CLIENTS * 60);
    await redis.restart();
    await Promise.all(calls);

    expect(wrong).toEqual([]);
    const runs = [...(await cluster.runs())].filter(([key]) => key.startsWith("restart-"));
    expect(runs).toHaveLength(CLIENTS * CALLS_OF_EACH);
    expect(runs.every(([, count]) => count === 1)).toBe(true);
    expect(cluster.log.some((line) => line.includes("redis-back"))).toBe(true);
    // It is in use again.
    const after = String(await redis.command("INFO", "commandstats"));
    expect(Number(/cmdstat_xdel:calls=(\d+)/.exec(after)?.[1])).toBeGreaterThan(CLIENTS);
    await Promise.all(clients.map((client) => client.close()));
    await alice.close();
  });
});
