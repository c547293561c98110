import { z } from "zod";
import { sha256 } from "../../digest.ts";
import { type Random, randomId } from "../../random.ts";
import { hourOf, hourPartition } from "../../storage/hour-partition.ts";
import { RowExists, type Store } from "../../storage/store.ts";
import { TypedTable } from "../../storage/typed-table.ts";

const row = z.object({ expiresAt: z.number(), use: z.string() });

/** Which assertions have been used, on whatever instance: each counts once (RFC 7523 §3, point 7). */
export class UsedAssertions {
  readonly #table;
  readonly #random: Random;

  constructor(deps: { store: Store; random: Random }) {
    this.#table = new TypedTable(deps.store, "used", row);
    this.#random = deps.random;
  }

  /**
   * Uses an assertion up.
   *
   * @param expiresAt Until when it would be accepted (ms).
   * @returns Whether this is its first use.
   */
  async use(clientId: string, jti: string, expiresAt: number): Promise<boolean> {
    const id = sha256(JSON.stringify([clientId, jti]));
    const key = { partition: hourPartition(hourOf(expiresAt), id), row: id };
    const use = randomId(this.#random);
    try {
      await this.#table.insert(key, { expiresAt, use });
      return true;
    } catch (error) {
      if (!(error instanceof RowExists)) throw error;
      // An insert whose answer was lost is sent again, and then finds itself.
      return (await this.#table.get(key))?.value.use === use;
    }
  }
}
