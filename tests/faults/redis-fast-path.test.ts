import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Arrivals, AT_MOST_MS, ended, timed, FastPaths } from "../support/fast-paths.ts";
import { describeWithRedis } from "../support/test-redis.ts";

describeWithRedis("the way by Redis, while Redis is away", () => {
  let ways: FastPaths;
  beforeEach(async () => {
    ways = await FastPaths.start();
  });
  afterEach(() => ways.stop());

  it("withdraws what is not taken in time: it never arrives", async () => {
    const { arrivals } = await ways.instance("there", "gate");
    const path = await ways.sender("there");
    ways.gate.shut = true;
    const { result, ms } = await timed(path.send("there", "late", ended()));
    expect(result).toBe("refused");
    expect(ms).toBeLessThan(AT_MOST_MS);
    ways.gate.shut = false;
    await vi.waitUntil(async () => (await path.send("there", "next", ended())) === "taken", {
      timeout: 15_000,
    });
    expect(arrivals.ids).toContain("next");
    expect(arrivals.ids).not.toContain("late");
  });

  it("refuses at once, breaks nothing, and is found when it comes", async () => {
    await ways.server.stop();
    const receiver = ways.process();
    receiver.start("there", new Arrivals().receive);
    const path = ways.process();
    expect((await timed(path.send("there", "one", ended()))).ms).toBeLessThan(AT_MOST_MS);
    const { result, ms } = await timed(path.send("there", "two", ended()));
    expect(result).toBe("refused");
    expect(ms).toBeLessThan(100);
    expect(receiver.healthy).toBe(false);

    await ways.server.restart();
    await vi.waitUntil(async () => (await path.send("there", "three", ended())) === "taken", {
      timeout: 15_000,
    });
    expect(receiver.healthy).toBe(true);
    // However often it was tried, and with however many connections: once for each process.
    expect(ways.events("redis-out")).toBe(2);
    expect(ways.events("redis-back")).toBe(2);
  });

  it("goes on when it was restarted empty, or emptied", async () => {
    const { path: receiver, arrivals } = await ways.instance("there");
    const path = await ways.sender("there");
    await ways.server.restart();
    await vi.waitUntil(() => !receiver.healthy);
    await vi.waitUntil(async () => (await path.send("there", "one", ended())) === "taken", {
      timeout: 15_000,
    });
    await ways.server.command("FLUSHALL");
    await vi.waitUntil(async () => (await path.send("there", "two", ended())) === "taken", {
      timeout: 15_000,
    });
    expect(arrivals.ids).toEqual(expect.arrayContaining(["one", "two"]));
  });

  it("notices that a connection is half open, on both ends", async () => {
    const { path: receiver } = await ways.instance("there", "gate");
    const path = await ways.sender("there", "gate");
    ways.gate.shut = true;
    const { result, ms } = await timed(path.send("there", "one", ended()));
    expect(result).toBe("unknown");
    expect(ms).toBeLessThan(AT_MOST_MS);
    expect((await timed(path.send("there", "two", ended()))).ms).toBeLessThan(100);
    await vi.waitUntil(() => !receiver.healthy, { timeout: 10_000 });
    ways.gate.shut = false;
    await vi.waitUntil(async () => (await path.send("there", "three", ended())) === "taken", {
      timeout: 15_000,
    });
  });

  it("does without a Redis that has no memory left", async () => {
    await ways.instance("there");
    const path = await ways.sender("there");
    await ways.server.command("CONFIG", "SET", "maxmemory", "1");
    expect(await path.send("there", "one", ended())).toBe("unknown");
    expect(await path.send("there", "two", ended())).toBe("refused");
    expect(ways.log.join("\n")).toContain("OOM");
    await ways.server.command("CONFIG", "SET", "maxmemory", "0");
    await vi.waitUntil(async () => (await path.send("there", "three", ended())) === "taken", {
      timeout: 15_000,
    });
  });
});
