import { beforeEach, describe, expect, it, vi } from "vitest";
import { jsonLog } from "../../../shared/log.ts";
import type { Client } from "../../../shared/oauth/clients/client.ts";
import { parseClientMetadata } from "../../../shared/oauth/clients/client-metadata.ts";
import { RegisteredClients } from "../../../shared/oauth/clients/registered-clients.ts";
import { systemRandom } from "../../../shared/random.ts";
import { Expiries } from "../../../shared/storage/expiries.ts";
import { MemoryStore } from "../../../shared/storage/memory-store.ts";
import { Sweep } from "../../../shared/upkeep/sweep.ts";
import { TestClock } from "../../support/test-clock.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** Lets something happen right before the next row is deleted. */
class RacingStore extends MemoryStore {
  beforeDelete: (() => Promise<unknown>) | undefined;

  override async delete(...args: Parameters<MemoryStore["delete"]>): Promise<boolean> {
    const first = this.beforeDelete;
    this.beforeDelete = undefined;
    await first?.();
    return super.delete(...args);
  }
}

let clock: TestClock;
let store: RacingStore;
let clients: RegisteredClients;
let sweep: Sweep;

beforeEach(async () => {
  clock = new TestClock();
  store = new RacingStore();
  const expiries = new Expiries({ store });
  clients = new RegisteredClients({ store, random: systemRandom, clock, expiries });
  const expire = {
    clients: clients.expire.bind(clients),
    sessions: async () => undefined,
    connections: async () => undefined,
    inbox: async () => undefined,
    events: async () => undefined,
  };
  const log = jsonLog(() => undefined);
  sweep = new Sweep({ store, expiries, clock, log, expire });
  await sweep.run();
});

async function register(changes: Record<string, unknown> = {}) {
  const { client } = await clients.register(
    parseClientMetadata({
      client_name: "App",
      redirect_uris: ["https://client.example/cb"],
      ...changes,
    }),
  );
  return client;
}

describe("registering the same public client again", () => {
  it("gives a new id and writes nothing", async () => {
    const first = await register();
    clock.advance({ seconds: HOUR - 1 });
    const writes = [vi.spyOn(store, "insert"), vi.spyOn(store, "put"), vi.spyOn(store, "replace")];
    const second = await register();
    for (const write of writes) expect(write).not.toHaveBeenCalled();
    expect(second.id).not.toBe(first.id);
    expect(second).toEqual({ ...first, id: second.id });
    expect(await clients.find(first.id)).toEqual(first);
    expect(await clients.find(second.id)).toEqual(second);
  });

  it("gives each of many who do it at the same time an id that works", async () => {
    const all = await Promise.all(Array.from({ length: 10 }, () => register()));
    expect(new Set(all.map(({ id }) => id)).size).toBe(10);
    expect(new Set(all.map(rowOf)).size).toBe(1);
    for (const client of all) expect(await clients.find(client.id)).toEqual(client);
  });

  it.each([
    ["name", { client_name: "Other" }],
    ["redirect URI", { redirect_uris: ["https://client.example/other"] }],
    ["further redirect URI", { redirect_uris: ["https://client.example/cb", "http://localhost/"] }],
    ["website", { client_uri: "https://client.example" }],
  ])("needs a row of its own with another %s", async (_what, changes) => {
    expect(rowOf(await register(changes))).not.toBe(rowOf(await register()));
  });

  it("lasts for a day from the last time", async () => {
    const { id } = await register();
    clock.advance({ seconds: DAY - HOUR });
    await register();
    clock.advance({ seconds: DAY - 1 });
    await sweep.run();
    expect(await clients.find(id)).toBeDefined();
    clock.advance({ seconds: 1 });
    expect(await clients.find(id)).toBeUndefined();
  });

  it("does not shorten the life of one that is used", async () => {
    const { id } = await register();
    await clients.keep(id);
    await register();
    clock.advance({ seconds: 89 * DAY });
    expect(await clients.find(id)).toBeDefined();
  });

  it("begins anew after it has ended, before the sweep or during it", async () => {
    await register();
    clock.advance({ seconds: 2 * DAY });
    let during: Client | undefined;
    store.beforeDelete = async () => {
      during = await register();
    };
    await sweep.run();
    expect(during).toBeDefined();
    expect(await clients.find(during?.id ?? "")).toEqual(during);
    clock.advance({ seconds: 2 * DAY });
    const last = await register();
    await sweep.run();
    expect(await clients.find(last.id)).toEqual(last);
  });

  it("leaves nothing behind when it has ended", async () => {
    const client = await register();
    clock.advance({ seconds: DAY - HOUR });
    await register();
    clock.advance({ seconds: 3 * DAY });
    await sweep.run();
    expect(await store.get("clients", { partition: rowOf(client), row: "shared" })).toBeUndefined();
  });

  it("does not share a row that says something else, should two hashes ever meet", async () => {
    const key = { partition: rowOf(await register()), row: "shared" };
    const row = await store.get("clients", key);
    await store.put("clients", key, { ...row?.value, name: "Another" });
    const again = await register();
    expect(rowOf(again)).not.toBe(key.partition);
    expect((await clients.find(again.id))?.name).toBe("App");
  });

  it("does not make the name of the row a client id", async () => {
    expect(await clients.find(rowOf(await register()))).toBeUndefined();
  });
});

/** The row that the id of a public client names. */
function rowOf({ id }: { id: string }): string {
  return id.slice(0, 22);
}

describe("a confidential registration", () => {
  it.each(["client_secret_basic", "client_secret_post"])(
    "has an id and a secret of its own each time (%s)",
    async (token_endpoint_auth_method) => {
      const metadata = parseClientMetadata({
        redirect_uris: ["https://client.example/cb"],
        token_endpoint_auth_method,
      });
      const first = await clients.register(metadata);
      const second = await clients.register(metadata);
      expect(second.client.id).not.toBe(first.client.id);
      expect(second.secret).not.toBe(first.secret);
    },
  );

  it("is stored without its secret", async () => {
    const { client, secret = "" } = await clients.register(
      parseClientMetadata({
        redirect_uris: ["https://client.example/cb"],
        token_endpoint_auth_method: "client_secret_post",
      }),
    );
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const row = await store.get("clients", { partition: client.id, row: "registration" });
    expect(JSON.stringify(row)).not.toContain(secret);
  });
});
