import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { parseClientMetadata } from "../../shared/oauth/clients/client-metadata.ts";
import { RegisteredClients } from "../../shared/oauth/clients/registered-clients.ts";
import { UsedAssertions } from "../../shared/oauth/clients/used-assertions.ts";
import { Codes } from "../../shared/oauth/codes.ts";
import { Transactions } from "../../shared/oauth/transactions.ts";
import { systemRandom } from "../../shared/random.ts";
import { Expiries } from "../../shared/storage/expiries.ts";
import { hourOf, hourPartition, hourPartitions } from "../../shared/storage/hour-partition.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { type Key, StorageUnavailable, type TableName } from "../../shared/storage/store.ts";
import { TableStore } from "../../shared/storage/table-store.ts";
import { Sweep } from "../../shared/upkeep/sweep.ts";
import { createSessionParts, DAY_SECONDS, IDENTITY } from "../support/parts.ts";
import { startTestAzurite, type TestAzurite } from "../support/test-azurite.ts";
import { recordedLog } from "../support/recorded-log.ts";
import { TestClock } from "../support/test-clock.ts";

const HOUR = 3_600;
const HOUR_MS = HOUR * 1_000;
const NOON = Date.UTC(2026, 0, 15, 12);

/** Everything that ends by itself, and the sweep that removes it. */
function createSweep(options: { store?: TableStore; maxRows?: number } = {}) {
  const clock = new TestClock(NOON);
  const parts = createSessionParts({ clock, store: options.store ?? new MemoryStore() });
  const { store, sealer, sessions } = parts;
  const random = systemRandom;
  const expiries = new Expiries({ store });
  const clients = new RegisteredClients({ store, random, clock, expiries });
  const { log, lines } = recordedLog();
  const deps = {
    store,
    expiries,
    clock,
    log,
    expire: {
      clients: (key: Key) => clients.expire(key),
      sessions: (key: Key) => sessions.expire(key),
      connections: async () => undefined,
      inbox: async () => undefined,
      events: async () => undefined,
    },
    ...(options.maxRows !== undefined && { maxRows: options.maxRows }),
  };
  return {
    ...parts,
    expiries,
    clients,
    log: lines,
    deps,
    codes: new Codes({ store, clock, random }),
    transactions: new Transactions({ store, sealer, clock, random }),
    used: new UsedAssertions({ store, random }),
    sweep: new Sweep(deps),
    /** @returns How many rows (or notes) are filed under the hour of a time. */
    async filed(table: TableName, timeMs: number): Promise<number> {
      const rows = hourPartitions(hourOf(timeMs)).map((partition) =>
        Array.fromAsync(store.list(table, partition)),
      );
      return (await Promise.all(rows)).flat().length;
    },
    /** Files rows that ended in the hour of a time. */
    async fill(count: number, timeMs: number): Promise<void> {
      for (let n = 0; n < count; n++) {
        const row = `row-${timeMs}-${n}`;
        const key = { partition: hourPartition(hourOf(timeMs), row), row };
        await store.put("used", key, { expiresAt: timeMs, use: "1" });
      }
    },
    /** Stores a session that ends, unless it is refreshed, after so many seconds. */
    async createSession(idleSeconds: number) {
      const session = parts.session({ idleUntil: clock.now() + idleSeconds * 1_000 });
      await sessions.create(session, IDENTITY, "token cache");
      return { ...session, key: { partition: session.userKey, row: session.id } };
    },
    async register() {
      const redirect_uris = ["https://client.example/cb"];
      const metadata = { redirect_uris, token_endpoint_auth_method: "client_secret_post" };
      return (await clients.register(parseClientMetadata(metadata))).client;
    },
  };
}

const GRANT = {
  clientId: "client-1",
  redirectUri: "https://client.example/cb",
  codeChallenge: "challenge",
  resource: "https://mcp.example.com/sse",
  userKey: "user",
  sessionId: "session",
};

type World = ReturnType<typeof createSweep>;

/** Storage goes away after so many further deletes. */
function failAfterDeletes({ store }: World, count: number): void {
  const remove = store.delete.bind(store);
  let left = count;
  vi.spyOn(store, "delete").mockImplementation((...args) => {
    if (--left < 0) store.down = true;
    return remove(...args);
  });
}

const storageIsAway = () => Promise.reject(new StorageUnavailable("away"));

let world: World;
beforeEach(async () => {
  world = createSweep();
  await world.sweep.run();
});

describe("rows that live for minutes", () => {
  it("are removed once the hour of their end is over: transactions, codes, used assertions", async () => {
    const { codes, transactions, used, clock, sweep } = world;
    await transactions.begin({ purpose: "account" }, "verifier");
    await codes.issue(GRANT);
    await used.use("client-1", "jti", NOON + 60_000);
    clock.advance({ seconds: HOUR - 1 });
    expect(await sweep.run()).toBe(0);
    clock.advance({ seconds: 1 });
    expect(await sweep.run()).toBe(3);
    for (const table of ["transactions", "codes", "used"] as const) {
      expect(await world.filed(table, NOON)).toBe(0);
    }
    expect(await sweep.run()).toBe(0);
  });

  it("keep the tombstone of a redeemed code until its hour is swept, and no longer", async () => {
    const { codes, clock, sweep } = world;
    const code = await codes.issue(GRANT);
    const found = await codes.find(code);
    if (found !== undefined) await codes.redeem(found);
    clock.advance({ seconds: HOUR - 1 });
    await sweep.run();
    expect((await codes.find(code))?.value.redeemedAt).toBe(NOON);
    clock.advance({ seconds: 1 });
    await sweep.run();
    expect(await codes.find(code)).toBeUndefined();
  });
});

describe("a session", () => {
  it("that has ended is removed with its Entra tokens", async () => {
    const { store, clock, sweep, vault } = world;
    const { id, key } = await world.createSession(120);
    clock.advance({ seconds: HOUR });
    expect(await sweep.run()).toBe(1);
    expect(await store.get("sessions", key)).toBeUndefined();
    expect(await vault.read(id)).toBeUndefined();
    expect(await world.filed("expiries", NOON)).toBe(0);
  });

  it("that has slid stays, and is removed when it really ends", async () => {
    const { store, clock, sweep, sessions, vault } = world;
    const { id, key, userKey } = await world.createSession(120);
    const row = await sessions.find(userKey, id);
    const idleUntil = NOON + 3 * HOUR_MS;
    if (row !== undefined) await sessions.table.replace(row, { ...row.value, idleUntil });
    clock.advance({ seconds: 2 * HOUR });
    expect(await sweep.run()).toBe(0);
    expect(await sessions.find(userKey, id)).toBeDefined();
    expect(await vault.read(id)).toBe("token cache");
    expect(await world.filed("expiries", NOON)).toBe(0);
    clock.advance({ seconds: 2 * HOUR });
    expect(await sweep.run()).toBe(1);
    expect(await store.get("sessions", key)).toBeUndefined();
    expect(await vault.read(id)).toBeUndefined();
  });

  it("that was never finished leaves no Entra tokens behind", async () => {
    const { store, clock, sweep, vault } = world;
    const { id, key } = await world.createSession(120);
    await store.delete("sessions", key);
    clock.advance({ seconds: HOUR });
    await sweep.run();
    expect(await vault.read(id)).toBeUndefined();
    expect(await world.filed("expiries", NOON)).toBe(0);
  });
});

describe("a registered client", () => {
  it("that nobody has used is removed after a day", async () => {
    const { store, clock, sweep } = world;
    const key = { partition: (await world.register()).id, row: "registration" };
    clock.advance({ seconds: DAY_SECONDS });
    await sweep.run();
    expect(await store.get("clients", key)).toBeDefined();
    clock.advance({ seconds: HOUR });
    expect(await sweep.run()).toBe(1);
    expect(await store.get("clients", key)).toBeUndefined();
  });

  it("that was used is removed at the earliest 90 days after its last use", async () => {
    const { store, clients, clock, sweep } = world;
    const { id } = await world.register();
    const key = { partition: id, row: "registration" };
    await clients.keep(id);
    clock.advance({ seconds: 90 * DAY_SECONDS });
    await sweep.run();
    expect(await clients.find(id)).toBeDefined();
    clock.advance({ seconds: DAY_SECONDS + HOUR });
    await sweep.run();
    expect(await store.get("clients", key)).toBeUndefined();
  });
});

describe("a sweep", () => {
  it("removes nothing that has not ended", async () => {
    const { codes, transactions, used, clients, clock, sweep, sessions } = world;
    clock.advance({ seconds: HOUR - 1 });
    const { state } = await transactions.begin({ purpose: "account" }, "verifier");
    const code = await codes.issue(GRANT);
    const end = clock.now() + 30_000;
    await used.use("client-1", "jti", end);
    const { userKey, id } = await world.createSession(60);
    const client = await world.register();
    clock.advance({ seconds: 20 });
    expect(await sweep.run()).toBe(0);
    expect(await codes.find(code)).toBeDefined();
    expect(await used.use("client-1", "jti", end)).toBe(false);
    expect(await sessions.find(userKey, id)).toBeDefined();
    expect(await clients.find(client.id)).toBeDefined();
    expect(await transactions.take(state)).toBeDefined();
  });

  it("looks back 24 hours the first time, and no further", async () => {
    const fresh = createSweep();
    await fresh.fill(1, NOON - 24 * HOUR_MS);
    await fresh.fill(1, NOON - 25 * HOUR_MS);
    expect(await fresh.sweep.run()).toBe(1);
    expect(await fresh.filed("used", NOON - 24 * HOUR_MS)).toBe(0);
    expect(await fresh.filed("used", NOON - 25 * HOUR_MS)).toBe(1);
  });

  it("makes up for every hour since the last one, however long that was", async () => {
    const { clock, sweep } = world;
    await world.fill(1, NOON);
    await world.fill(1, NOON + 99 * HOUR_MS);
    clock.advance({ seconds: 100 * HOUR });
    expect(await sweep.run()).toBe(2);
  });

  it("does no harm at the same time as another", async () => {
    const { clock, deps, sessions, store } = world;
    await world.fill(40, NOON);
    const ended = await world.createSession(120);
    const slid = await world.createSession(120);
    const row = await sessions.find(slid.userKey, slid.id);
    const idleUntil = NOON + 2 * HOUR_MS;
    if (row !== undefined) await sessions.table.replace(row, { ...row.value, idleUntil });
    clock.advance({ seconds: HOUR });
    await Promise.all([new Sweep(deps).run(), new Sweep(deps).run()]);
    expect(await world.filed("used", NOON)).toBe(0);
    expect(await store.get("sessions", ended.key)).toBeUndefined();
    expect(await sessions.find(slid.userKey, slid.id)).toBeDefined();
    expect(await world.filed("expiries", idleUntil)).toBe(1);
    expect(world.log).toEqual([]);
  });
});

describe("the bound of one run", () => {
  it("holds within an hour too, and the next run does what is left", async () => {
    const bounded = createSweep({ maxRows: 32 });
    await bounded.sweep.run();
    await bounded.fill(40, NOON);
    await bounded.createSession(120);
    await bounded.fill(1, NOON + HOUR_MS);
    bounded.clock.advance({ seconds: 2 * HOUR });
    expect(await bounded.sweep.run()).toBe(32);
    expect(await bounded.filed("used", NOON)).toBe(8);
    expect(await bounded.filed("expiries", NOON)).toBe(1);
    expect(await bounded.sweep.run()).toBe(10);
    expect(await bounded.filed("expiries", NOON)).toBe(0);
    expect(await bounded.filed("used", NOON + HOUR_MS)).toBe(0);
  });

  it("loses no hour of a first run, however late the second comes", async () => {
    const bounded = createSweep({ maxRows: 16 });
    const oldest = NOON - 24 * HOUR_MS;
    await bounded.fill(20, oldest);
    await bounded.sweep.run();
    expect(await bounded.filed("used", oldest)).toBe(4);
    bounded.clock.advance({ seconds: 5 * HOUR });
    await bounded.sweep.run();
    expect(await bounded.filed("used", oldest)).toBe(0);
  });

  it("counts rows that have slid as well", async () => {
    const bounded = createSweep({ maxRows: 16 });
    await bounded.sweep.run();
    const end = NOON + 9 * HOUR_MS;
    for (let n = 0; n < 20; n++) {
      const { userKey, id } = await bounded.createSession(120);
      const row = await bounded.sessions.find(userKey, id);
      if (row === undefined) throw new Error("just created");
      await bounded.sessions.table.replace(row, { ...row.value, idleUntil: end });
    }
    bounded.clock.advance({ seconds: HOUR });
    await bounded.sweep.run();
    expect(await bounded.filed("expiries", end)).toBe(16);
    await bounded.sweep.run();
    expect(await bounded.filed("expiries", end)).toBe(20);
  });
});

describe("an outage half-way", () => {
  it("ends the run, and the next one goes on with the same hour", async () => {
    const { clock, store, sweep } = world;
    await world.fill(50, NOON);
    const { key } = await world.createSession(120);
    clock.advance({ seconds: HOUR });
    failAfterDeletes(world, 20);
    await expect(sweep.run()).rejects.toThrow(StorageUnavailable);
    vi.restoreAllMocks();
    store.down = false;
    const left = await world.filed("used", NOON);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(50);
    expect(await store.get("sessions", key)).toBeDefined();
    expect(await sweep.run()).toBe(left + 1);
    expect(await store.get("sessions", key)).toBeUndefined();
  });

  it("is no fault of the row at which it is met: its note stays where it is", async () => {
    const { clock, deps, log } = world;
    await world.createSession(120);
    clock.advance({ seconds: HOUR });
    const away = new Sweep({ ...deps, expire: { ...deps.expire, sessions: storageIsAway } });
    await expect(away.run()).rejects.toThrow(StorageUnavailable);
    expect(await world.filed("expiries", NOON)).toBe(1);
    expect(log).toEqual([]);
  });
});

describe("a row that cannot be read", () => {
  let key: Key;
  beforeEach(async () => {
    ({ key } = await world.createSession(120));
    const row = await world.store.get("sessions", key);
    await world.store.put("sessions", key, { ...row?.value, idleUntil: "soon" });
  });

  it("keeps neither the other rows nor the hours after it", async () => {
    const { clock, store, sweep } = world;
    const others = [];
    for (let n = 0; n < 40; n++) others.push(await world.createSession(120));
    await world.fill(1, NOON + HOUR_MS);
    clock.advance({ seconds: 2 * HOUR });
    expect(await sweep.run()).toBe(41);
    for (const other of others) expect(await store.get("sessions", other.key)).toBeUndefined();
    expect(await world.filed("used", NOON + HOUR_MS)).toBe(0);
  });

  it("is looked at again a day later, until it can be removed", async () => {
    const { clock, store, sweep, log } = world;
    clock.advance({ seconds: HOUR });
    expect(await sweep.run()).toBe(0);
    expect(await store.get("sessions", key)).toBeDefined();
    clock.advance({ seconds: DAY_SECONDS - HOUR });
    await sweep.run();
    expect(log).toHaveLength(1);
    clock.advance({ seconds: 2 * HOUR });
    await sweep.run();
    expect(log).toHaveLength(2);
    const row = await store.get("sessions", key);
    await store.put("sessions", key, { ...row?.value, idleUntil: NOON });
    clock.advance({ seconds: DAY_SECONDS + HOUR });
    expect(await sweep.run()).toBe(1);
    expect(await store.get("sessions", key)).toBeUndefined();
  });

  it("is logged with its table and a hash, and nothing that names it", async () => {
    world.clock.advance({ seconds: HOUR });
    await world.sweep.run();
    expect(world.log).toHaveLength(1);
    expect(JSON.parse(world.log[0] ?? "")).toMatchObject({
      event: "sweep-row-failed",
      table: "sessions",
    });
    expect(world.log[0]).not.toContain(key.partition);
    expect(world.log[0]).not.toContain(key.row);
  });
});

describe("a note of a newer release", () => {
  it.each([
    ["for a table unknown here", { table: "feeds", partition: "p", row: "r" }],
    ["of another shape", { what: "feeds" }],
  ])("%s is left alone and keeps nothing else", async (_what, value) => {
    const { clock, store, sweep, log } = world;
    const note = { partition: hourPartition(hourOf(NOON), "newer"), row: "newer" };
    await store.put("expiries", note, value);
    const { key } = await world.createSession(120);
    clock.advance({ seconds: HOUR });
    expect(await sweep.run()).toBe(1);
    expect(await store.get("sessions", key)).toBeUndefined();
    expect(await store.get("expiries", note)).toMatchObject({ value });
    expect(log).toEqual([]);
  });
});

describe("on Azurite", () => {
  let azurite: TestAzurite;
  beforeAll(async () => {
    azurite = await startTestAzurite();
  }, 40_000);
  afterAll(() => azurite.stop());

  it("a sweep removes what has ended and leaves what has not", async () => {
    const real = createSweep({ store: new TableStore(azurite.connectionString), maxRows: 32 });
    await real.sweep.run();
    await real.fill(40, NOON);
    await real.transactions.begin({ purpose: "account" }, "verifier");
    const code = await real.codes.issue(GRANT);
    const ended = await real.createSession(120);
    const alive = await real.createSession(2 * HOUR);
    const broken = await real.createSession(120);
    await real.store.put("sessions", broken.key, { idleUntil: "soon" });
    const client = await real.register();
    real.clock.advance({ seconds: HOUR });
    expect((await real.sweep.run()) + (await real.sweep.run())).toBe(43);
    expect(await real.filed("used", NOON)).toBe(0);
    expect(await real.codes.find(code)).toBeUndefined();
    expect(await real.store.get("sessions", ended.key)).toBeUndefined();
    expect(await real.vault.read(ended.id)).toBeUndefined();
    expect(await real.sessions.find(alive.userKey, alive.id)).toBeDefined();
    expect(await real.store.get("sessions", broken.key)).toBeDefined();
    expect(await real.clients.find(client.id)).toBeDefined();
    expect(real.log).toHaveLength(1);
  });
});
