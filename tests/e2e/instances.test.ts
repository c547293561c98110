import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { connectAs, type ConnectedClient, reconnect } from "../support/sdk-client.ts";
import { workKey } from "../support/work.ts";

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.stop());

describe("three instances behind a front end without affinity", () => {
  let alice: ConnectedClient;
  beforeAll(async () => {
    alice = await connectAs(cluster.baseUrl, "alice");
  });
  afterAll(() => alice.close());

  it("sign a person in and answer calls, whichever instance is asked", async () => {
    for (let n = 0; n < 9; n++) {
      const answer = await alice.client.callTool({ name: "work", arguments: { key: `one-${n}` } });
      expect(workKey(answer)).toBe(`one-${n}`);
    }
    expect(cluster.proxy.given.size).toBe(3);
  });

  it("report progress on the stream, in order", async () => {
    const seen: number[] = [];
    await alice.client.callTool(
      { name: "work", arguments: { key: "progress", ms: 400, progress: true } },
      undefined,
      { onprogress: ({ progress }) => seen.push(progress) },
    );
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it("cancel a call, wherever the word arrives", async () => {
    for (let n = 0; n < 3; n++) {
      const controller = new AbortController();
      const call = alice.client.callTool(
        { name: "work", arguments: { key: `cancelled-${n}`, ms: 30_000 } },
        undefined,
        { signal: controller.signal },
      );
      await expect.poll(async () => (await cluster.runs()).get(`cancelled-${n}`)).toBe(1);
      controller.abort();
      await expect(call).rejects.toThrow();
    }
  });

  it("tell a person's clients what another of their clients has changed", async () => {
    const second = await reconnect(cluster.baseUrl, alice.provider);
    const third = await reconnect(cluster.baseUrl, alice.provider);
    const told: string[] = [];
    for (const { client } of [second, third]) {
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
        told.push(params.uri);
      });
      await client.subscribeResource({ uri: "settings://me" });
    }
    await alice.client.callTool({ name: "updateSettings", arguments: { timeZone: "Asia/Tokyo" } });
    await expect.poll(() => told.length).toBe(2);
    await second.close();
    await third.close();
  });
});
