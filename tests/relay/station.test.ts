import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createParts } from "../../shared/parts.ts";
import { systemRandom } from "../../shared/random.ts";
import { LeaseLost } from "../../shared/relay/lease.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import {
  type Etag,
  type Key,
  StorageUnavailable,
  type TableName,
} from "../../shared/storage/store.ts";
import { FakeConnection } from "../support/fake-connection.ts";
import { OutageStore } from "../support/outage-store.ts";
import { recordedLog } from "../support/recorded-log.ts";
import { createTestApp } from "../support/test-app.ts";
import { TestClock } from "../support/test-clock.ts";

/** A store whose deletes a test can hold up. */
class SlowStore extends OutageStore {
  #gate: Promise<void> | undefined;
  waiting = 0;

  /** @returns To be called when deletes may go on. */
  holdDeletes(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  override async delete(table: TableName, key: Key, etag?: Etag): Promise<boolean> {
    this.waiting += 1;
    await this.#gate;
    this.waiting -= 1;
    return super.delete(table, key, etag);
  }
}

let clock: TestClock;
let store: SlowStore;
let here: ReturnType<typeof createParts>;
let there: ReturnType<typeof createParts>;
beforeEach(() => {
  clock = new TestClock();
  const memory = new MemoryStore(clock);
  store = new SlowStore(memory);
  const { config } = createTestApp().app;
  const adapters = { clock, random: systemRandom, log: recordedLog().log };
  here = createParts(config, { ...adapters, store });
  there = createParts(config, { ...adapters, store: memory });
});
afterEach(async () => {
  vi.restoreAllMocks();
  here.connections.remove("c");
  await here.station.close();
});

const connect = () =>
  here.station.open(async () => here.connections.add(new FakeConnection("c", "u", "s")));

const fail = () => here.station.open(() => Promise.reject(new Error("no such session")));

const leases = async () => (await Array.fromAsync(store.list("instances", "live"))).length;

/** Sends a word from another instance. @returns Whether it is heard. */
async function isHeard(): Promise<boolean> {
  await there.sender.send(here.lease.id, { kind: "session-ended", sessionId: "other" });
  const { id } = here.lease;
  await expect.poll(async () => (await there.inbox.waiting(id)).length).toBe(0);
  return true;
}

describe("an instance", () => {
  it("hears others while it holds a connection, and gives up its lease with the last", async () => {
    await connect();
    expect(await isHeard()).toBe(true);
    here.connections.remove("c");
    await expect.poll(leases).toBe(0);
  });

  it("hears others after an opening that failed", async () => {
    await expect(fail()).rejects.toThrow("no such session");
    await expect.poll(leases).toBe(0);
    await connect();
    expect(await isHeard()).toBe(true);
  });

  it("has a lease for what is opened while it gives one up", async () => {
    const goOn = store.holdDeletes();
    await expect(fail()).rejects.toThrow("no such session");
    await expect.poll(() => store.waiting).toBe(1);
    const opened = connect();
    goOn();
    await opened;
    expect(await there.instances.isLive(here.lease.id)).toBe(true);
    expect(await isHeard()).toBe(true);
  });

  it("takes nothing new once it goes: its lease is given up for good", async () => {
    await connect();
    const { id } = here.lease;
    await here.station.close();
    await expect(connect()).rejects.toThrow(LeaseLost);
    const { session } = here.connections.get("c") ?? {};
    if (session === undefined) throw new Error("it was not connected");
    const ping = { jsonrpc: "2.0", id: 1, method: "ping" } as const;
    expect(await here.relay.deliver("c", { session, scopes: [] }, ping)).toBe("unknown");
    expect(await there.instances.isLive(id)).toBe(false);
  });

  it("gives up its lease although it cannot look into its inbox any more", async () => {
    await connect();
    vi.spyOn(store, "list").mockImplementation(() => {
      throw new StorageUnavailable("slow");
    });
    await here.station.close();
    expect(await there.instances.isLive(here.lease.id)).toBe(false);
  });

  it("runs what it has claimed, although storage is away just when it makes sure of its lease", async () => {
    await connect();
    const remove = store.delete.bind(store);
    vi.spyOn(store, "delete").mockImplementation(async (table, ...key) => {
      const existed = await remove(table, ...key);
      // The claim has taken so long that the lease has to be renewed.
      if (table === "inbox") clock.advance({ seconds: 11 });
      return existed;
    });
    const replace = store.replace.bind(store);
    let failed = 0;
    vi.spyOn(store, "replace").mockImplementation(async (...row) => {
      if (failed++ === 0) throw new StorageUnavailable("just now");
      return replace(...row);
    });
    const connection = here.connections.get("c");
    if (!(connection instanceof FakeConnection)) throw new Error("it was not connected");
    const message = { jsonrpc: "2.0", id: 1, method: "ping" } as const;
    const caller = { session: connection.session, scopes: [] };
    await there.sender.send(here.lease.id, { kind: "message", connection: "c", caller, message });
    await expect.poll(() => connection.received).toMatchObject([{ message }]);
    expect(failed).toBeGreaterThan(0);
  });

  it("opens nothing under an id that it loses while it lists it", async () => {
    const opened = here.station.open(async (instance) => {
      await there.store.delete("instances", { partition: "live", row: instance });
      clock.advance({ seconds: 16 });
      await here.lease.hold();
      here.station.requireHeld(instance);
    });
    await expect(opened).rejects.toThrow(LeaseLost);
  });

  it("hands on what a client says after a new sign-in that it has not heard of yet", async () => {
    await connect();
    const connection = new SignedInAgain("again", "u", "s");
    here.connections.add(connection);
    const { session } = new FakeConnection("again", "u", "s2");
    const message = { jsonrpc: "2.0", id: 1, result: {} } as const;
    const caller = { session, scopes: [] };
    await there.sender.send(here.lease.id, {
      kind: "message",
      connection: "again",
      caller,
      message,
    });
    await expect.poll(() => connection.received).toMatchObject([{ message }]);
    here.connections.remove("again");
  });
});

/** Its row says that it is another sign-in's now. */
class SignedInAgain extends FakeConnection {
  override async refresh(): Promise<void> {
    this.sessionId = "s2";
  }
}
