import * as fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { SEED } from "../attacks/property.ts";
import type { Call } from "../support/returning-client.ts";
import { useFacade } from "../support/facade.ts";
import { type Step, TroubledCluster, type World } from "../support/troubled-cluster.ts";

const facade = useFacade();

/** A search: so many worlds of each sort, and others in each run. */
const SEARCH = Number(process.env["PROMISE_WORLDS"] ?? 0);

/** Of each sort of world so many, and no more than fit into this time. They do not repeat exactly: no use in shrinking. */
const WORLDS =
  SEARCH > 0
    ? { numRuns: SEARCH, endOnFailure: true }
    : { seed: SEED, numRuns: 10, interruptAfterTimeLimit: 6_000, endOnFailure: true };

/** So many operations of storage go well for one that does not. */
const WELL: World["mishaps"] = Array.from({ length: 30 }, () => "none");

const POSTS: Step["kind"][] = ["post", "post", "post", "post", "post", "slow post", "slow post"];

const worlds = (mishaps: World["mishaps"], ...kinds: Step["kind"][]): fc.Arbitrary<World> =>
  fc.record({
    seed: fc.nat(),
    mishaps: fc.constant(mishaps),
    steps: fc.array(
      fc.record({
        kind: fc.constantFrom(...POSTS, ...kinds),
        client: fc.nat({ max: 1 }),
        instance: fc.nat({ max: 2 }),
        pauseMs: fc.constantFrom(0, 0, 40, 200, 1_000),
      }),
      { minLength: 10, maxLength: 30 },
    ),
  });

let cluster: TroubledCluster;
beforeAll(() => {
  cluster = new TroubledCluster(facade.entra.url, ["alice", "bob"]);
});

const isUnanswered = ({ accepted, answers }: Call) => accepted && answers === 0;

/** Checks worlds. @param owed Which calls must not be left in the end. */
async function holdsIn(given: fc.Arbitrary<World>, owed: (call: Call) => boolean): Promise<void> {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(given, async (world) => {
      const { calls, runs } = await cluster.run(world, owed);
      const ids = (faulty: (call: Call) => boolean) => calls.filter(faulty).map(({ id }) => id);
      expect({
        ranTwice: ids(({ id }) => (runs.get(id) ?? 0) > 1),
        answeredTwice: ids(({ answers }) => answers > 1),
        neverAnswered: ids(owed),
      }).toEqual({ ranTwice: [], answeredTwice: [], neverAnswered: [] });
      accepted += calls.filter((call) => call.accepted).length;
    }),
    WORLDS,
  );
  expect(accepted).toBeGreaterThan(20);
}

it("runs each message that was accepted, and answers it, once: however slow storage is and whichever of its answers are lost, while clients lose their streams and instances end", async () => {
  const calm = worlds(["none", "none", "none", "lost"], "drop", "shutdown");
  await holdsIn(calm, isUnanswered);
});

it("runs none twice, and owes no answer on a stream that goes on, whatever becomes of instances and storage", async () => {
  const wild = worlds(
    [...WELL, "lost", "lost", "unanswered", "refused"],
    "drop",
    "shutdown",
    "outage",
    "freeze",
    "kill",
  );
  await holdsIn(wild, (call) => isUnanswered(call) && !call.stream.ended);
});
