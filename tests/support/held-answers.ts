import { vi } from "vitest";
import type { Store, TableName } from "../../shared/storage/store.ts";

/**
 * Has the answers to an operation on a table come late. What was asked for is done at once.
 *
 * @param only How many: the others come in time.
 * @returns Those that are held up, and the way to let them go.
 */
export function holdAnswers(
  store: Store,
  operation: "get" | "replace" | "put",
  table: TableName,
  only = Infinity,
) {
  const { promise: goOn, resolve: release } = Promise.withResolvers<void>();
  const held = { count: 0, release };
  const carryOut: Store[typeof operation] = store[operation].bind(store);
  vi.spyOn(store, operation).mockImplementation(async (...operands: unknown[]) => {
    const answer: unknown = await Reflect.apply(carryOut, store, operands);
    if (operands[0] === table && held.count < only) {
      held.count += 1;
      await goOn;
    }
    return answer as never;
  });
  return held;
}
