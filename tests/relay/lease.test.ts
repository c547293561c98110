import { beforeEach, describe, expect, it } from "vitest";
import { systemRandom } from "../../shared/random.ts";
import { Instances } from "../../shared/relay/instances.ts";
import { Lease } from "../../shared/relay/lease.ts";
import { Expiries } from "../../shared/storage/expiries.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import {
  StorageUnavailable,
  type TableName,
  type Key,
  type Value,
} from "../../shared/storage/store.ts";
import { jsonLog } from "../../shared/log.ts";
import { OutageStore } from "../support/outage-store.ts";
import { TestClock } from "../support/test-clock.ts";

let service: TestClock;
let own: TestClock;
let memory: MemoryStore;
let store: OutageStore;
let lost: number;
let lease: Lease;
beforeEach(() => {
  service = new TestClock();
  own = new TestClock();
  memory = new MemoryStore(service);
  store = new OutageStore(memory);
  lost = 0;
  lease = newLease(store);
});

function newLease(on: OutageStore): Lease {
  return new Lease({
    store: on,
    clock: own,
    random: systemRandom,
    log: jsonLog(() => undefined),
    podName: "pod/1",
    expiries: new Expiries({ store: on }),
    onLost: async () => void (lost += 1),
  });
}

/** What another instance thinks, whose clock goes as it likes. */
const isLive = (id: string) =>
  new Instances({ store: new OutageStore(memory), clock: new TestClock(7) }).isLive(id);

const both = (seconds: number) => {
  service.advance({ seconds });
  own.advance({ seconds });
};

describe("a lease", () => {
  it("is named by the machine and the run, in characters that a table key takes", () => {
    expect(lease.id).toMatch(/^pod-1-[\w-]{8}$/);
    expect(newLease(store).id).not.toBe(lease.id);
  });

  it("costs nothing while it is fresh", async () => {
    expect(await lease.hold()).toBe(true);
    const { operations } = store;
    both(9);
    expect(await lease.hold()).toBe(true);
    expect(store.operations).toBe(operations);
  });

  it("is live for fifteen seconds by the clock of storage, whatever the other clocks say", async () => {
    await lease.hold();
    own.advance({ seconds: -3_600 });
    service.advance({ seconds: 15 });
    expect(await isLive(lease.id)).toBe(true);
    service.advance({ seconds: 1 });
    expect(await isLive(lease.id)).toBe(false);
  });

  it("that was taken away is lost: what was held ends, and the instance has another id", async () => {
    await lease.hold();
    const { id } = lease;
    both(16);
    expect(await isLive(id)).toBe(false);
    expect(await lease.hold()).toBe(false);
    expect(lost).toBe(1);
    expect(lease.id).not.toBe(id);
    expect(await lease.hold()).toBe(true);
    expect(await isLive(lease.id)).toBe(true);
  });

  it("that is merely old is renewed, and goes on", async () => {
    await lease.hold();
    both(3_600);
    expect(await lease.hold()).toBe(true);
    expect(lost).toBe(0);
  });

  it("is not lost by a write whose answer was lost", async () => {
    await lease.hold();
    both(11);
    const forgetful = new ForgetfulStore(memory);
    Object.assign(store, { replace: forgetful.replace.bind(forgetful) });
    await expect(lease.hold()).rejects.toThrow(StorageUnavailable);
    expect(await lease.hold()).toBe(true);
    expect(lost).toBe(0);
  });

  it("is not lost where the answer is lost each time, and the library sends it again", async () => {
    await lease.hold();
    both(11);
    let lostAnswers = 0;
    const replace = memory.replace.bind(memory);
    Object.assign(store, {
      async replace(...written: Parameters<typeof replace>) {
        const etag = await replace(...written);
        return ++lostAnswers > 3 ? etag : replace(...written);
      },
    });
    expect(await lease.hold()).toBe(true);
    expect(lost).toBe(0);
  });

  it("is not asked for what runs here anyway, while storage is away", async () => {
    await lease.hold();
    both(60);
    store.down = true;
    await expect(lease.hold()).rejects.toThrow(StorageUnavailable);
    expect(await lease.holdForOwn()).toBe(true);
  });

  it("is gone at once when it is released", async () => {
    await lease.hold();
    await lease.release();
    expect(await isLive(lease.id)).toBe(false);
  });
});

/** Writes, and loses the answer once. */
class ForgetfulStore extends MemoryStore {
  readonly #memory: MemoryStore;
  #forgot = false;

  constructor(memoryStore: MemoryStore) {
    super();
    this.#memory = memoryStore;
  }

  override async replace(table: TableName, key: Key, value: Value, etag: string): Promise<string> {
    const written = await this.#memory.replace(table, key, value, etag);
    if (this.#forgot) return written;
    this.#forgot = true;
    throw new StorageUnavailable("the answer was lost");
  }
}
