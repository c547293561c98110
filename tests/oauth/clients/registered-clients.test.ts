import { beforeEach, describe, expect, it } from "vitest";
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
  };
  sweep = new Sweep({ store, expiries, clock, expire });
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
  it("gives the same id and writes nothing", async () => {
    const first = await register();
    clock.advance({ seconds: HOUR - 1 });
    const row = await store.get("clients", { partition: first.id, row: "registration" });
    expect(await register()).toEqual(first);
    expect(await store.get("clients", { partition: first.id, row: "registration" })).toEqual(row);
  });

  it("gives one id to many who do it at the same time", async () => {
    const registered = await Promise.all(Array.from({ length: 10 }, () => register()));
    expect(new Set(registered.map(({ id }) => id)).size).toBe(1);
  });

  it.each([
    ["name", { client_name: "Other" }],
    ["redirect URI", { redirect_uris: ["https://client.example/other"] }],
    ["further redirect URI", { redirect_uris: ["https://client.example/cb", "http://localhost/"] }],
    ["website", { client_uri: "https://client.example" }],
  ])("gives another id with another %s", async (_what, changes) => {
    expect((await register(changes)).id).not.toBe((await register()).id);
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

  it("begins anew after it has ended, swept or not", async () => {
    const first = await register();
    clock.advance({ seconds: 2 * DAY });
    const second = await register();
    expect(second.id).toBe(first.id);
    expect(second.registeredAt).toBe(clock.now());
    await sweep.run();
    expect(await clients.find(first.id)).toEqual(second);
    clock.advance({ seconds: 2 * DAY });
    await sweep.run();
    expect(
      await store.get("clients", { partition: first.id, row: "registration" }),
    ).toBeUndefined();
  });

  it("survives the sweep that is about to remove it", async () => {
    const { id } = await register();
    clock.advance({ seconds: 2 * DAY });
    store.beforeDelete = () => register();
    await sweep.run();
    expect(await clients.find(id)).toBeDefined();
    clock.advance({ seconds: 2 * DAY });
    await sweep.run();
    expect(await store.get("clients", { partition: id, row: "registration" })).toBeUndefined();
  });

  it("does not hand out a row that is another's, should two hashes ever meet", async () => {
    const victim = await register();
    const key = { partition: victim.id, row: "registration" };
    const row = await store.get("clients", key);
    await store.put("clients", key, { ...row?.value, name: "Another" });
    const again = await register();
    expect(again.id).not.toBe(victim.id);
    expect((await clients.find(again.id))?.name).toBe("App");
  });
});

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
