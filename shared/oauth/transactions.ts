import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Sealer } from "../keys/seal.ts";
import { type Random, randomSecret } from "../random.ts";
import { handleKey, newHandle } from "../storage/hourly-handle.ts";
import { RowChanged, type Store } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";
import { authorizationRequest } from "./authorization-request.ts";

/** How long a person may take at Entra. */
export const TRANSACTION_TTL_SECONDS = 600;

const row = z.object({ sealed: z.string(), expiresAt: z.number() });

const purpose = z.discriminatedUnion("purpose", [
  /** A client asks for access. */
  z.object({ purpose: z.literal("client"), request: authorizationRequest }),
  /** A person wants to see their sessions. */
  z.object({ purpose: z.literal("account") }),
]);

const transaction = purpose.and(
  z.object({
    /** Of our own PKCE pair with Entra. */
    codeVerifier: z.string(),
    nonce: z.string(),
    /** A claims challenge that this sign-in is to meet. */
    claims: z.string().optional(),
  }),
);

/** What a sign-in is for. One that was begun for one purpose never ends in the other. */
export type Purpose = z.infer<typeof purpose>;

/** A sign-in in progress at Entra: begun here, not yet come back. */
export type Transaction = z.infer<typeof transaction>;

/** Sign-ins in progress, found by the `state` that Entra brings back, of which a hash is stored. */
export class Transactions {
  readonly #table;
  readonly #sealer: Sealer;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(deps: { store: Store; sealer: Sealer; clock: Clock; random: Random }) {
    this.#table = new TypedTable(deps.store, "transactions", row);
    this.#sealer = deps.sealer;
    this.#clock = deps.clock;
    this.#random = deps.random;
  }

  /** @returns The state and the nonce to send to Entra. */
  async begin(
    begun: Purpose & { codeVerifier: string; claims: string | undefined },
  ): Promise<{ state: string; nonce: string }> {
    const expiresAt = this.#clock.now() + TRANSACTION_TTL_SECONDS * 1000;
    const state = newHandle(this.#random, expiresAt);
    const nonce = randomSecret(this.#random);
    const key = handleKey(state);
    if (key === undefined) throw new TypeError("a new state has a key");
    const text = JSON.stringify({ ...begun, nonce });
    const sealed = await this.#sealer.seal("transaction", key.row, text);
    await this.#table.insert(key, { sealed, expiresAt });
    return { state, nonce };
  }

  /**
   * Takes a transaction out: it can be taken once.
   *
   * @returns undefined where it is unknown, too old or already taken.
   */
  async take(state: string): Promise<Transaction | undefined> {
    const key = handleKey(state);
    const found = key && (await this.#table.get(key));
    if (found === undefined || this.#clock.now() >= found.value.expiresAt) return undefined;
    try {
      if (!(await this.#table.delete(found.key, found.etag))) return undefined;
    } catch (error) {
      if (error instanceof RowChanged) return undefined;
      throw error;
    }
    const text = await this.#sealer.open("transaction", found.key.row, found.value.sealed);
    return transaction.parse(JSON.parse(text));
  }
}
