import { setTimeout as sleep } from "node:timers/promises";
import { TestClock } from "./test-clock.ts";

/** A clock that tests move, beside a real service that takes real time to answer: it waits as long as it is told. */
export class WaitingClock extends TestClock {
  override sleep(ms: number): Promise<void> {
    return sleep(ms);
  }
}
