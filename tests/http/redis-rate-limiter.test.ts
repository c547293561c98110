import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { AT_MOST_MS, timed } from "../support/fast-paths.ts";
import { startTcpGate, type TcpGate } from "../support/tcp-gate.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { describeWithRedis, startTestRedis, type TestRedis } from "../support/test-redis.ts";
import { WaitingClock } from "../support/waiting-clock.ts";

/** Two registrations a minute. */
const FACTOR = "0.0022";

describeWithRedis("limits that instances share", () => {
  let server: TestRedis;
  let gate: TcpGate;
  let apps: TestApp[];

  beforeEach(async () => {
    server = await startTestRedis();
    gate = await startTcpGate(server.port);
    const clock = new WaitingClock();
    const store = new MemoryStore(clock);
    apps = [server.port, gate.port].map((port) =>
      createTestApp({
        store,
        clock,
        env: { RATE_LIMIT_FACTOR: FACTOR, REDIS_URL: `redis://127.0.0.1:${port}` },
      }),
    );
    for (const [n, app] of apps.entries()) await connected(app, n + 1);
  });
  afterEach(async () => {
    for (const { app } of apps) await app.close();
    await gate.stop();
    await server.stop();
  });

  /** Waits until an app counts in Redis. */
  async function connected(app: TestApp, counted: number): Promise<void> {
    let n = 0;
    await vi.waitUntil(
      async () => {
        await status(app, `192.0.2.${counted}.${n++}`);
        return Number(await server.command("DBSIZE")) >= counted;
      },
      { timeout: 10_000 },
    );
  }

  it("count what arrives at any of them", async () => {
    const [one, other] = apps;
    expect(await status(one, "203.0.113.7")).toBe(415);
    expect(await status(other, "203.0.113.7")).toBe(415);
    expect(await status(one, "203.0.113.7")).toBe(429);
    expect(await status(other, "203.0.113.7")).toBe(429);
    expect(await status(one, "203.0.113.8")).toBe(415);
  });

  it("end by themselves, and no address is in Redis", async () => {
    const commands = await server.monitor();
    await status(apps[0], "203.0.113.7");
    await vi.waitUntil(() => commands.some((line) => line.includes("rate:register:")));
    expect(commands.join()).not.toContain("203.0.113");
    for (const key of (await server.command("KEYS", "rate:*")) as string[]) {
      expect(await server.command("TTL", key)).toBeGreaterThan(0);
    }
  });

  it("are each instance's own while Redis is away, without an error", async () => {
    await server.stop();
    for (const app of apps) {
      expect(await status(app, "203.0.113.7")).toBe(415);
      expect(await status(app, "203.0.113.7")).toBe(415);
      expect(await status(app, "203.0.113.7")).toBe(429);
      expect(app.log.filter((line) => line.includes("redis-out"))).toHaveLength(1);
      expect(app.log.filter((line) => line.includes("limit-not-shared"))).toEqual([]);
    }
  });

  it("keep no request waiting for a Redis that does not answer", async () => {
    gate.shut = true;
    const { result, ms } = await timed(status(apps[1], "203.0.113.7"));
    expect(result).toBe(415);
    expect(ms).toBeLessThan(AT_MOST_MS);
    expect((await timed(status(apps[1], "203.0.113.7"))).ms).toBeLessThan(150);
    expect(await status(apps[1], "203.0.113.7")).toBe(429);
  });
});

/** 415 where the call went on, for it says nothing that could be registered; 429 where it did not. */
async function status(app: TestApp | undefined, address: string): Promise<number> {
  const headers = { "x-forwarded-for": address };
  const url = `${app?.baseUrl}/register`;
  return (await app?.fetch(url, { method: "POST", headers }))?.status ?? 0;
}
