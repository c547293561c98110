import { describe, expect, it } from "vitest";
import { ConcurrencyGate } from "../../shared/http/concurrency-gate.ts";
import { TestClock } from "../support/test-clock.ts";

/** Two at once. */
const limit = { name: "few", perMinute: 40 };

/** Time passes when the test says so. */
class HeldClock extends TestClock {
  #pass: (() => void)[] = [];
  override sleep(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pass.push(resolve);
    return promise;
  }
  pass(): void {
    for (const resolve of this.#pass.splice(0)) resolve();
  }
}

function setUp() {
  const clock = new HeldClock();
  return { clock, gate: new ConcurrencyGate({ clock, factor: 1 }) };
}

describe("calls of one kind", () => {
  it("run at once up to the bound; the others wait, and are served in their order", async () => {
    const { gate } = setUp();
    expect(await gate.enter(limit)).toBe(true);
    expect(await gate.enter(limit)).toBe(true);
    const order: string[] = [];
    const third = gate.enter(limit).then(() => order.push("third"));
    const fourth = gate.enter(limit).then(() => order.push("fourth"));
    await Promise.resolve();
    expect(order).toEqual([]);
    gate.leave(limit);
    await third;
    expect(order).toEqual(["third"]);
    gate.leave(limit);
    await fourth;
  });

  it("are refused when their turn does not come in time, and leave no place taken", async () => {
    const { clock, gate } = setUp();
    await gate.enter(limit);
    await gate.enter(limit);
    const late = gate.enter(limit);
    clock.pass();
    expect(await late).toBe(false);
    gate.leave(limit);
    expect(await gate.enter(limit)).toBe(true);
  });

  it("have their turn also where it comes in the moment in which their time is over", async () => {
    const { clock, gate } = setUp();
    await gate.enter(limit);
    await gate.enter(limit);
    const third = gate.enter(limit);
    clock.pass();
    gate.leave(limit);
    expect(await third).toBe(true);
    // Its place is its own: another one waits.
    const fourth = gate.enter(limit);
    gate.leave(limit);
    expect(await fourth).toBe(true);
  });

  it("do not hold up another kind", async () => {
    const { gate } = setUp();
    await gate.enter(limit);
    await gate.enter(limit);
    expect(await gate.enter({ name: "others", perMinute: 1 })).toBe(true);
  });
});
