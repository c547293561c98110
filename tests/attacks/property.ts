import * as fc from "fast-check";

/** Fixed, so that a run can be repeated; fast-check prints it with the counterexample. */
export const SEED = 20_261_122;

/** Checks a property on the same inputs in every run, for two seconds at most. */
export function holds<T>(
  property: fc.IAsyncProperty<T> | fc.IProperty<T>,
  numRuns = 1_000,
): Promise<void> {
  return Promise.resolve(
    fc.assert(property, {
      seed: SEED,
      numRuns,
      interruptAfterTimeLimit: 2_000,
    }),
  );
}
