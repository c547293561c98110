import { UnsecuredJWT } from "jose";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { EntraCredentials } from "../../shared/redis/entra-credentials.ts";
import { Redis } from "../../shared/redis/redis.ts";
import { recordedLog } from "../support/recorded-log.ts";
import { TestClock } from "../support/test-clock.ts";
import { describeWithRedis, startTestRedis, type TestRedis } from "../support/test-redis.ts";
import { WaitingClock } from "../support/waiting-clock.ts";

const IDENTITY = "3b1f6d0a-5c27-4e8b-9a14-7d60c2e5f811";
const HOUR_MS = 3_600_000;
const newToken = (n: number) => new UnsecuredJWT({ oid: IDENTITY, n }).encode();

const PATIENCE = { timeout: 10_000 };

describeWithRedis("a connection that the managed identity signs in", () => {
  let server: TestRedis;
  let clock: TestClock;
  let tokens: string[];
  let asked: string[];
  let log: readonly string[];
  let redis: Redis;

  beforeEach(async () => {
    server = await startTestRedis();
    clock = new TestClock();
    tokens = [];
    asked = [];
    const { log: recording, lines } = recordedLog();
    log = lines;
    const credentials = new EntraCredentials({
      source: {
        async getToken(scope) {
          asked.push(scope);
          const [token] = tokens.length > 1 ? tokens.splice(0, 1) : tokens;
          if (token === undefined) throw new Error("no identity here");
          return { token, expiresOnTimestamp: clock.now() + HOUR_MS };
        },
      },
      clock,
      log: recording,
    });
    redis = new Redis({ url: server.url, credentials, clock: new WaitingClock(), log: recording });
  });
  afterEach(async () => {
    redis.close();
    await server.stop();
  });

  const allow = (...tokensOfUser: string[]) =>
    server.command(
      "ACL",
      "SETUSER",
      IDENTITY,
      "reset",
      "on",
      "~*",
      "+@all",
      ...tokensOfUser.map((token) => `>${token}`),
    );
  const ping = () => redis.commands.run(1_000, (client) => client.ping());
  const users = async () =>
    [...String(await server.command("CLIENT", "LIST")).matchAll(/ user=(\S+)/g)].map(
      ([, user]) => user,
    );
  const authentications = async () =>
    Number(
      /cmdstat_auth:calls=(\d+)/.exec(String(await server.command("INFO", "commandstats")))?.[1] ??
        0,
    );

  it("bears its object id, with a token for Redis", async () => {
    tokens = [newToken(1)];
    await allow(newToken(1));
    expect(await ping()).toBe("PONG");
    expect(await users()).toContain(IDENTITY);
    expect(asked).toEqual(["https://redis.azure.com/.default"]);
  });

  it("is signed in again before the token expires, without a break", async () => {
    tokens = [newToken(1), newToken(2)];
    await allow(newToken(1), newToken(2));
    await ping();
    clock.advance({ seconds: 44 * 60 });
    const [id] = await clientIds();
    clock.advance({ seconds: 2 * 60 });
    await vi.waitUntil(async () => (await authentications()) === 1, PATIENCE);
    expect(await clientIds()).toEqual([id]);
    expect(await ping()).toBe("PONG");
    expect(log).toEqual([]);
  });

  it("is made anew with a new token, when Redis has broken it off", async () => {
    tokens = [newToken(1), newToken(2)];
    await allow(newToken(1));
    await ping();
    await allow(newToken(2));
    await server.command("CLIENT", "KILL", "USER", IDENTITY);
    await vi.waitUntil(() => ping().then(Boolean, () => false), PATIENCE);
    expect(log).toHaveLength(2);
  });

  it("that Redis refuses is an outage, and its token is not in the log", async () => {
    tokens = [newToken(1), newToken(2)];
    await allow(newToken(2));
    await expect(ping()).rejects.toThrow("not connected");
    await vi.waitUntil(() => ping().then(Boolean, () => false), PATIENCE);
    expect(log[0]).toMatch(/redis-out.*WRONGPASS/);
    expect(log.join("\n")).not.toContain(newToken(1));
  });

  it("is an outage while the identity has no token, and a renewal that fails is tried again", async () => {
    await expect(ping()).rejects.toThrow("not connected");
    tokens = [newToken(1)];
    await allow(newToken(1));
    await vi.waitUntil(() => ping().then(Boolean, () => false), PATIENCE);
    tokens = [];
    clock.advance({ seconds: 46 * 60 });
    await vi.waitUntil(() => log.some((line) => line.includes("redis-token-not-renewed")));
    tokens = [newToken(1)];
    await vi.waitUntil(async () => (await authentications()) === 1, PATIENCE);
  });

  const clientIds = async () =>
    [...String(await server.command("CLIENT", "LIST")).matchAll(/^id=(\d+).* user=3b1f/gm)].map(
      ([, id]) => id,
    );
});
