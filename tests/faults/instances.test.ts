import { describe, expect, it } from "vitest";
import { health } from "../support/health.ts";
import { reconnect } from "../support/sdk-client.ts";
import { useCluster, work } from "../support/use-cluster.ts";
import { workKey } from "../support/work.ts";

const running = useCluster();

/** Tries until a call is answered. @returns How long that took (ms). */
async function recovery(key: string): Promise<number> {
  const startedAt = performance.now();
  for (let n = 0; ; n++) {
    const call = { name: "work", arguments: { key: `${key}-${n}` } };
    const answered = await running.alice.client
      .callTool(call, undefined, { timeout: 1_000 })
      .then(workKey, () => undefined);
    if (answered !== undefined) return performance.now() - startedAt;
    if (performance.now() - startedAt > 60_000) throw new Error("the client never recovered");
  }
}

describe("kill -9 of the instance that holds the stream, with 50 calls in flight", () => {
  it("is survived by the client, fails calls visibly, and runs none twice", async () => {
    const owner = await running.streamOwner();
    const calls = Array.from({ length: 50 }, (_, n) =>
      work(running.alice.client, `killed-${n}`, 3_000),
    );
    await expect.poll(async () => (await running.cluster.runs()).size).toBeGreaterThan(10);
    await owner.kill("SIGKILL");
    expect(await recovery("after")).toBeLessThan(10_000);
    const answers = await Promise.all(calls);
    for (const [n, answer] of answers.entries()) {
      expect([`killed-${n}`, expect.stringMatching(/^failed: /)]).toContainEqual(answer);
    }
    await running.expectNoneTwice();
  });
});

describe("a worker that is restarted under the same pod name", () => {
  it("inherits nothing: its clients come back, and nothing is sent to streams that are gone", async () => {
    const owner = await running.streamOwner();
    const before = await health(owner.url);
    await owner.kill("SIGKILL");
    await expect
      .poll(
        () =>
          health(owner.url).then(
            ({ instance }) => instance,
            () => before.instance,
          ),
        { timeout: 15_000 },
      )
      .not.toBe(before.instance);
    expect(await recovery("restarted")).toBeLessThan(10_000);
    await running.expectNoneTwice();
  });
});

describe("a frozen instance that comes back after its lease", () => {
  it("runs nothing of what it was sent, and its client goes on elsewhere", async () => {
    const owner = await running.streamOwner();
    const { pid } = owner;
    if (pid === undefined) throw new Error("no process");
    const { instance } = await health(owner.url);
    const others = running.cluster.host.instances.filter((other) => other !== owner);
    running.cluster.proxy.pin(others[0]?.url);
    process.kill(pid, "SIGSTOP");
    try {
      const accepted = work(running.alice.client, "accepted-while-frozen");
      // By the service's clock, which nobody can hurry.
      await new Promise((resolve) => {
        setTimeout(resolve, 17_000);
      });
      // A client that gave the stream up, as a front end would have by now, comes back elsewhere.
      const again = await reconnect(running.cluster.baseUrl, running.alice.provider);
      expect(await work(again.client, "elsewhere")).toBe("elsewhere");
      expect(await work(running.alice.client, "refused")).toMatch(/^failed: .*404/);
      process.kill(pid, "SIGCONT");
      await expect
        .poll(async () => (await health(owner.url)).instance, { timeout: 10_000 })
        .not.toBe(instance);
      running.cluster.proxy.pin(undefined);
      expect(await recovery("thawed")).toBeLessThan(10_000);
      await accepted;
      await running.expectNoneTwice();
      await again.close();
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });
});

describe("clocks that are a minute off, each in its own direction", () => {
  it("change nothing", async () => {
    const skewed = new URL("../support/skewed-clock.ts", import.meta.url);
    await running.restart({ NODE_OPTIONS: `--import ${skewed.href}` });
    for (let n = 0; n < 12; n++) expect(await work(running.alice.client, `n-${n}`)).toBe(`n-${n}`);
    const clients = await Promise.all(
      Array.from({ length: 6 }, () => reconnect(running.cluster.baseUrl, running.alice.provider)),
    );
    const answers = await Promise.all(
      clients.flatMap(({ client }, who) =>
        Array.from({ length: 20 }, (_, n) => work(client, `c-${who}-${n}`)),
      ),
    );
    expect(answers.filter((answer) => !answer.startsWith("c-"))).toEqual([]);
    await running.expectNoneTwice();
    await Promise.all(clients.map((client) => client.close()));
  });
});
