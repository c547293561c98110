import { z } from "zod";
import type { Clock } from "../clock.ts";
import { type Random, randomId } from "../random.ts";
import { handleKey, newHandle } from "../storage/hourly-handle.ts";
import { RowChanged, type Store } from "../storage/store.ts";
import { type Typed, TypedTable } from "../storage/typed-table.ts";

/** OAuth 2.1 §4.1.2 advises ten minutes at most; a client redeems at once. */
const CODE_TTL_MS = 60_000;

const row = z.object({
  clientId: z.string(),
  redirectUri: z.string(),
  codeChallenge: z.string(),
  resource: z.string(),
  userKey: z.string(),
  sessionId: z.string(),
  expiresAt: z.number(),
  /** Set when the code is redeemed: the row stays as a tombstone, so that a replay is recognised. */
  redeemedAt: z.number().optional(),
  /** By which attempt: one whose write succeeded while its answer was lost knows its own again. */
  redemption: z.string().optional(),
});

/** What a code stands for. */
export type CodeGrant = Omit<z.infer<typeof row>, "expiresAt" | "redeemedAt" | "redemption">;
export type CodeRow = Typed<z.infer<typeof row>>;

/** Authorization codes, of which only a hash is stored. */
export class Codes {
  readonly #table;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(deps: { store: Store; clock: Clock; random: Random }) {
    this.#table = new TypedTable(deps.store, "codes", row);
    this.#clock = deps.clock;
    this.#random = deps.random;
  }

  /** @returns A new code for `grant`. */
  async issue(grant: CodeGrant): Promise<string> {
    const expiresAt = this.#clock.now() + CODE_TTL_MS;
    const code = newHandle(this.#random, expiresAt);
    const key = handleKey(code);
    if (key === undefined) throw new TypeError("a new code has a key");
    // As with a transaction: a lost answer must not make the retry fail.
    await this.#table.put(key, { ...grant, expiresAt });
    return code;
  }

  /** @returns The row of a code that is good, or the tombstone of one that was redeemed. */
  async find(code: string): Promise<CodeRow | undefined> {
    const key = handleKey(code);
    const found = key && (await this.#table.get(key));
    if (found === undefined || found.value.redeemedAt !== undefined) return found;
    return this.#clock.now() < found.value.expiresAt ? found : undefined;
  }

  /**
   * Redeems the code: of any number of simultaneous attempts, one succeeds.
   *
   * @throws RowChanged where it was redeemed since it was read.
   */
  async redeem(found: CodeRow): Promise<void> {
    const redemption = randomId(this.#random);
    try {
      const redeemedAt = this.#clock.now();
      await this.#table.replace(found, { ...found.value, redeemedAt, redemption });
    } catch (error) {
      if (!(error instanceof RowChanged)) throw error;
      const now = await this.#table.get(found.key);
      if (now?.value.redemption !== redemption) throw error;
    }
  }
}
