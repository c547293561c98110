import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Sealer } from "../keys/seal.ts";
import { type Random, randomId, randomSecret } from "../random.ts";
import { handleKey, newHandle } from "../storage/hourly-handle.ts";
import { RowChanged, type Store } from "../storage/store.ts";
import { type Typed, TypedTable } from "../storage/typed-table.ts";
import { authorizationRequest, type AuthorizationRequest } from "./authorization-request.ts";

/** How long a person may take at Entra. */
export const TRANSACTION_TTL_SECONDS = 600;

const row = z.object({
  sealed: z.string(),
  expiresAt: z.number(),
  /** By which attempt it was taken: one whose write succeeded while its answer was lost knows its own again. */
  takenBy: z.string().optional(),
});
type TransactionRow = Typed<z.infer<typeof row>>;

const atEntra = z.object({
  /** Of our own PKCE pair with Entra. */
  codeVerifier: z.string(),
  nonce: z.string(),
  /** A claims challenge that this sign-in is to meet. */
  claims: z.string().optional(),
});
const transaction = z.discriminatedUnion("purpose", [
  atEntra.extend({ purpose: z.literal("client"), request: authorizationRequest }),
  atEntra.extend({ purpose: z.literal("account") }),
]);

/**
 * A sign-in in progress at Entra: begun here, not yet come back. What it is for was settled when it began:
 * a client gets a code, or the person gets the account page, and never the one for the other.
 */
export type Transaction = z.infer<typeof transaction>;
export type ClientTransaction = Extract<Transaction, { purpose: "client" }>;
export type AccountTransaction = Extract<Transaction, { purpose: "account" }>;

/** What a sign-in is for. */
export type SignInPurpose =
  | { readonly purpose: "client"; readonly request: AuthorizationRequest }
  | { readonly purpose: "account" };

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
    purpose: SignInPurpose,
    codeVerifier: string,
    claims?: string,
  ): Promise<{ state: string; nonce: string }> {
    const expiresAt = this.#clock.now() + TRANSACTION_TTL_SECONDS * 1000;
    const state = newHandle(this.#random, expiresAt);
    const nonce = randomSecret(this.#random);
    const key = handleKey(state);
    if (key === undefined) throw new TypeError("a new state has a key");
    const text = JSON.stringify({ ...purpose, codeVerifier, nonce, claims } satisfies Transaction);
    const sealed = await this.#sealer.seal("transaction", key.row, text);
    // Not an insert: one that storage has taken, and whose answer is lost, would be refused when it is sent again.
    await this.#table.put(key, { sealed, expiresAt });
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
    if (!(await this.#claim(found))) return undefined;
    const text = await this.#sealer.open("transaction", found.key.row, found.value.sealed);
    return transaction.parse(JSON.parse(text));
  }

  /**
   * Leaves a tombstone without the transaction's content, so that of any number of simultaneous attempts one
   * succeeds. To a release that knows no tombstones, it is a transaction that is too old.
   */
  async #claim(found: TransactionRow): Promise<boolean> {
    const takenBy = randomId(this.#random);
    try {
      await this.#table.replace(found, { sealed: "", expiresAt: 0, takenBy });
      return true;
    } catch (error) {
      if (!(error instanceof RowChanged)) throw error;
      return (await this.#table.get(found.key))?.value.takenBy === takenBy;
    }
  }
}
