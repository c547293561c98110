import { beforeEach, describe, expect, it } from "vitest";
import { jsonLog } from "../../../shared/log.ts";
import { UsedAssertions } from "../../../shared/oauth/clients/used-assertions.ts";
import { systemRandom } from "../../../shared/random.ts";
import { Expiries } from "../../../shared/storage/expiries.ts";
import { MemoryStore } from "../../../shared/storage/memory-store.ts";
import { RowExists } from "../../../shared/storage/store.ts";
import { Sweep } from "../../../shared/upkeep/sweep.ts";
import { TestClock } from "../../support/test-clock.ts";

let clock: TestClock;
beforeEach(() => {
  clock = new TestClock();
});

/** A table whose answer to a write gets lost, so that the client library writes again. */
class LossyStore extends MemoryStore {
  override async insert(...args: Parameters<MemoryStore["insert"]>): Promise<string> {
    await super.insert(...args);
    throw new RowExists("seen on the second attempt");
  }
}

const never = async () => undefined;

describe("the assertions that have been used", () => {
  it("count once each, by client and jti", async () => {
    const used = new UsedAssertions({ store: new MemoryStore(), random: systemRandom });
    expect(await used.use("a", "1", clock.now())).toBe(true);
    expect(await used.use("a", "1", clock.now())).toBe(false);
    expect(await used.use("a", "2", clock.now())).toBe(true);
    expect(await used.use("b", "1", clock.now())).toBe(true);
  });

  it("do not take a repeated write of their own for a replay", async () => {
    const used = new UsedAssertions({ store: new LossyStore(), random: systemRandom });
    expect(await used.use("a", "1", clock.now())).toBe(true);
  });

  it("are forgotten in the hour after they have ended", async () => {
    const store = new MemoryStore();
    const used = new UsedAssertions({ store, random: systemRandom });
    const expire = {
      clients: never,
      sessions: never,
      connections: never,
      inbox: never,
      events: never,
    };
    const log = jsonLog(() => undefined);
    const sweep = new Sweep({ store, clock, log, expiries: new Expiries({ store }), expire });
    await sweep.run();
    const end = clock.now() + 600_000;
    await used.use("a", "1", end);
    expect(await sweep.run()).toBe(0);
    clock.advance({ seconds: 600 });
    await sweep.run();
    expect(await used.use("a", "1", end)).toBe(false);
    clock.advance({ seconds: 3_600 });
    expect(await sweep.run()).toBe(1);
  });
});
