import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Cluster, startCluster } from "../support/cluster.ts";
import { health } from "../support/health.ts";
import { connectAs, type ConnectedClient, reconnect } from "../support/sdk-client.ts";
import { workKey } from "../support/work.ts";

const CALL_TIMEOUT_MS = 20_000;

let cluster: Cluster;
let alice: ConnectedClient;
beforeEach(async () => {
  cluster = await startCluster();
  alice = await connectAs(cluster.baseUrl, "alice");
});
afterEach(async () => {
  await alice.close();
  await cluster.stop();
});

/** Calls the tool `work`. @returns Its key, or what the client was told instead. */
async function work(client: ConnectedClient["client"], key: string, ms = 0): Promise<string> {
  try {
    const call = { name: "work", arguments: { key, ms } };
    return workKey(await client.callTool(call, undefined, { timeout: CALL_TIMEOUT_MS })) ?? "none";
  } catch (error) {
    return `failed: ${String(error)}`;
  }
}

/** The instance that holds the one stream there is. */
async function streamOwner() {
  for (const instance of cluster.host.instances) {
    if ((await health(instance.url)).streams > 0) return instance;
  }
  throw new Error("nobody holds the stream");
}

const expectNoneTwice = async () => {
  const twice = [...(await cluster.runs())].filter(([, count]) => count > 1);
  expect(twice).toEqual([]);
};

/** Tries until a call is answered. @returns How long that took (ms). */
async function recovery(key: string): Promise<number> {
  const startedAt = performance.now();
  for (let n = 0; ; n++) {
    const call = { name: "work", arguments: { key: `${key}-${n}` } };
    const answered = await alice.client
      .callTool(call, undefined, { timeout: 1_000 })
      .then(workKey, () => undefined);
    if (answered !== undefined) return performance.now() - startedAt;
    if (performance.now() - startedAt > 60_000) throw new Error("the client never recovered");
  }
}

describe("kill -9 of the instance that holds the stream, with 50 calls in flight", () => {
  it("is survived by the client, fails calls visibly, and runs none twice", async () => {
    const owner = await streamOwner();
    const calls = Array.from({ length: 50 }, (_, n) => work(alice.client, `killed-${n}`, 3_000));
    await expect.poll(async () => (await cluster.runs()).size).toBeGreaterThan(10);
    await owner.kill("SIGKILL");
    expect(await recovery("after")).toBeLessThan(10_000);
    const answers = await Promise.all(calls);
    for (const [n, answer] of answers.entries()) {
      expect([`killed-${n}`, expect.stringMatching(/^failed: /)]).toContainEqual(answer);
    }
    await expectNoneTwice();
  });
});

describe("a worker that is restarted under the same pod name", () => {
  it("inherits nothing: its clients come back, and nothing is sent to streams that are gone", async () => {
    const owner = await streamOwner();
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
    await expectNoneTwice();
  });
});

describe("a frozen instance that comes back after its lease", () => {
  it("runs nothing of what it was sent, and its client goes on elsewhere", async () => {
    const owner = await streamOwner();
    const { pid } = owner;
    if (pid === undefined) throw new Error("no process");
    const { instance } = await health(owner.url);
    const others = cluster.host.instances.filter((other) => other !== owner);
    cluster.proxy.pin(others[0]?.url);
    process.kill(pid, "SIGSTOP");
    try {
      const accepted = work(alice.client, "accepted-while-frozen");
      // By the service's clock, which nobody can hurry.
      await new Promise((resolve) => {
        setTimeout(resolve, 17_000);
      });
      // A client that gave the stream up, as a front end would have by now, comes back elsewhere.
      const again = await reconnect(cluster.baseUrl, alice.provider);
      expect(await work(again.client, "elsewhere")).toBe("elsewhere");
      expect(await work(alice.client, "refused")).toMatch(/^failed: .*404/);
      process.kill(pid, "SIGCONT");
      await expect
        .poll(async () => (await health(owner.url)).instance, { timeout: 10_000 })
        .not.toBe(instance);
      cluster.proxy.pin(undefined);
      expect(await recovery("thawed")).toBeLessThan(10_000);
      await accepted;
      await expectNoneTwice();
      await again.close();
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });
});

describe("storage that is away and comes back", () => {
  it("leaves open streams and their calls alone, and loses nothing", async () => {
    const owner = await streamOwner();
    expect(await work(alice.client, "before")).toBe("before");
    await cluster.stopStorage();

    // What lands where its stream is goes on.
    cluster.proxy.pin(owner.url);
    for (let n = 0; n < 5; n++) expect(await work(alice.client, `away-${n}`)).toBe(`away-${n}`);
    // What would have to be relayed is refused, and has not run.
    cluster.proxy.pin(cluster.host.instances.find((other) => other !== owner)?.url);
    expect(await work(alice.client, "relayed")).toMatch(/^failed: .*503/);
    // A sign-in is asked to wait.
    const started = await fetch(new URL("/register", cluster.baseUrl), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ redirect_uris: ["http://localhost/callback"] }),
    });
    expect(started.status).toBe(503);
    expect(started.headers.get("retry-after")).not.toBeNull();
    await new Promise((resolve) => {
      setTimeout(resolve, 30_000);
    });
    cluster.proxy.pin(owner.url);
    expect(await work(alice.client, "still away")).toBe("still away");

    await cluster.startStorage();
    cluster.proxy.pin(undefined);
    for (let n = 0; n < 9; n++) expect(await work(alice.client, `after-${n}`)).toBe(`after-${n}`);
    expect((await cluster.runs()).has("relayed")).toBe(false);
    await expectNoneTwice();
  });

  it("keeps a client waiting that comes back for its stream, and lets it in then", async () => {
    await cluster.stopStorage();
    const opening = reconnect(cluster.baseUrl, alice.provider);
    await new Promise((resolve) => {
      setTimeout(resolve, 3_000);
    });
    await cluster.startStorage();
    const again = await opening;
    expect(await work(again.client, "after the outage")).toBe("after the outage");
    await again.close();
  });
});

describe("clocks that are a minute off, each in its own direction", () => {
  it("change nothing", async () => {
    await alice.close();
    await cluster.stop();
    const skewed = new URL("../support/skewed-clock.ts", import.meta.url);
    cluster = await startCluster({ env: { NODE_OPTIONS: `--import ${skewed.href}` } });
    alice = await connectAs(cluster.baseUrl, "alice");
    for (let n = 0; n < 12; n++) expect(await work(alice.client, `n-${n}`)).toBe(`n-${n}`);
    const clients = await Promise.all(
      Array.from({ length: 6 }, () => reconnect(cluster.baseUrl, alice.provider)),
    );
    const answers = await Promise.all(
      clients.flatMap(({ client }, who) =>
        Array.from({ length: 20 }, (_, n) => work(client, `c-${who}-${n}`)),
      ),
    );
    expect(answers.filter((answer) => !answer.startsWith("c-"))).toEqual([]);
    await expectNoneTwice();
    await Promise.all(clients.map((client) => client.close()));
  });
});
