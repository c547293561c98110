import { describe, expect, it } from "vitest";
import { reconnect } from "../support/sdk-client.ts";
import { useCluster, work } from "../support/use-cluster.ts";

const running = useCluster();

describe("storage that is away and comes back", () => {
  it("leaves open streams and their calls alone, and loses nothing", async () => {
    const owner = await running.streamOwner();
    expect(await work(running.alice.client, "before")).toBe("before");
    await running.cluster.stopStorage();

    // What lands where its stream is goes on.
    running.cluster.proxy.pin(owner.url);
    for (let n = 0; n < 5; n++)
      expect(await work(running.alice.client, `away-${n}`)).toBe(`away-${n}`);
    // What would have to be relayed is refused, and has not run.
    running.cluster.proxy.pin(running.cluster.host.instances.find((other) => other !== owner)?.url);
    expect(await work(running.alice.client, "relayed")).toMatch(/^failed: .*503/);
    // A sign-in is asked to wait.
    const started = await fetch(new URL("/register", running.cluster.baseUrl), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ redirect_uris: ["http://localhost/callback"] }),
    });
    expect(started.status).toBe(503);
    expect(started.headers.get("retry-after")).not.toBeNull();
    await new Promise((resolve) => {
      setTimeout(resolve, 30_000);
    });
    running.cluster.proxy.pin(owner.url);
    expect(await work(running.alice.client, "still away")).toBe("still away");

    await running.cluster.startStorage();
    running.cluster.proxy.pin(undefined);
    for (let n = 0; n < 9; n++)
      expect(await work(running.alice.client, `after-${n}`)).toBe(`after-${n}`);
    expect((await running.cluster.runs()).has("relayed")).toBe(false);
    await running.expectNoneTwice();
  });

  it("keeps a client waiting that comes back for its stream, and lets it in then", async () => {
    await running.cluster.stopStorage();
    const opening = reconnect(running.cluster.baseUrl, running.alice.provider);
    await new Promise((resolve) => {
      setTimeout(resolve, 3_000);
    });
    await running.cluster.startStorage();
    const again = await opening;
    expect(await work(again.client, "after the outage")).toBe("after the outage");
    await again.close();
  });
});
