import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { hasRedis } from "../../tools/stack/start-redis.ts";
import { SEED } from "../attacks/property.ts";
import { useFacade } from "../support/facade.ts";
import { type Step, TroubledCluster, type World } from "../support/troubled-cluster.ts";
import { TroubledRedis } from "../support/troubled-redis.ts";
import type { Call } from "../support/world-client.ts";

const facade = useFacade();

/** A search: so many worlds of each sort, others in each run, however long that takes. */
const SEARCH = Number(process.env["PROMISE_WORLDS"] ?? 0);

/** They do not repeat exactly: no use in shrinking. */
const WORLDS = {
  ...(SEARCH > 0 ? { numRuns: SEARCH } : { numRuns: 10, seed: SEED }),
  endOnFailure: true,
};

/** Otherwise no more than can be begun in this time. */
const BEGUN_WITHIN_MS = SEARCH > 0 ? Infinity : 5_000;

const TIMEOUT_MS = 30_000 + SEARCH * 20_000;

/** So many operations of storage go well for one that does not. */
const WELL: World["mishaps"] = Array.from({ length: 30 }, () => "none");

const POSTS: Step["kind"][] = ["post", "post", "post", "post", "post", "slow post", "slow post"];

const CLIENT = fc.constantFrom("sse" as const, "sessions" as const);

const worlds = (
  mishaps: World["mishaps"],
  withRedis: boolean[],
  ...kinds: Step["kind"][]
): fc.Arbitrary<World> =>
  fc.record({
    seed: fc.nat(),
    clients: fc.tuple(CLIENT, CLIENT),
    withRedis: fc.constantFrom(...withRedis),
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

let redis: TroubledRedis | undefined;
let cluster: TroubledCluster;
beforeAll(async () => {
  // Where there is none, all worlds are without.
  if (hasRedis()) redis = await TroubledRedis.start();
  cluster = new TroubledCluster(facade.entra.url, ["alice", "bob"], redis);
});
afterAll(() => redis?.stop());

const isUnanswered = ({ accepted, answers }: Call) => accepted && answers === 0;

/** Checks worlds. @param owed Which calls must not be left in the end. */
async function holdsIn(given: fc.Arbitrary<World>, owed: (call: Call) => boolean): Promise<void> {
  const until = performance.now() + BEGUN_WITHIN_MS;
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(given, async (world) => {
      if (performance.now() > until) return;
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
  expect(accepted).toBeGreaterThan(10);
}

it(
  "runs each message that was accepted, and answers it, once: however slow storage is and whichever of its answers are lost, while clients lose their streams and instances end",
  async () => {
    const calm = worlds(["none", "none", "none", "lost"], [false], "drop", "shutdown");
    await holdsIn(calm, isUnanswered);
  },
  TIMEOUT_MS,
);

it(
  "runs none twice, answers none twice, and owes no answer on a stream that goes on, whatever becomes of instances, storage and Redis",
  async () => {
    const wild = worlds(
      [...WELL, "lost", "lost", "unanswered", "refused"],
      [false, true],
      "drop",
      "shutdown",
      "outage",
      "freeze",
      "kill",
      "redis slow",
      "redis loses all",
      "redis restarts",
      "redis unreachable",
    );
    await holdsIn(wild, (call) => isUnanswered(call) && !call.stream.ended);
  },
  TIMEOUT_MS,
);
