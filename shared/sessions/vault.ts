import { z } from "zod";
import type { Sealer } from "../keys/seal.ts";
import type { Store } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";

/** A property of an entity holds 64 KiB, which is 32 Ki characters. */
const CHARACTERS_PER_PART = 30_000;
/** An entity holds 1 MiB. A token cache has about 15 KB: far more than this is not one. */
const MAX_PARTS = 15;

const row = z
  .object({ parts: z.number().int().min(1).max(MAX_PARTS) })
  .catchall(z.union([z.string(), z.number()]));

/** Each session's Entra tokens: MSAL's cache, sealed before it reaches the table. */
export class Vault {
  readonly #table;
  readonly #sealer: Sealer;

  constructor(deps: { store: Store; sealer: Sealer }) {
    this.#table = new TypedTable(deps.store, "vault", row);
    this.#sealer = deps.sealer;
  }

  /** @returns The session's serialized token cache, or undefined where there is none. */
  async read(sessionId: string): Promise<string | undefined> {
    const found = await this.#table.get(key(sessionId));
    if (found === undefined) return undefined;
    const parts = Array.from({ length: found.value.parts }, (_, n) =>
      String(found.value[partName(n)]),
    );
    return this.#sealer.open("token-cache", sessionId, parts.join(""));
  }

  /** Replaces the session's token cache. Two writers do no harm: either's tokens work. */
  async write(sessionId: string, cache: string): Promise<void> {
    const sealed = await this.#sealer.seal("token-cache", sessionId, cache);
    const parts = Math.ceil(sealed.length / CHARACTERS_PER_PART);
    if (parts > MAX_PARTS) throw new RangeError("the token cache does not fit into a row");
    const value: { parts: number } & Record<string, string | number> = { parts };
    for (let n = 0; n < parts; n++) {
      value[partName(n)] = sealed.slice(n * CHARACTERS_PER_PART, (n + 1) * CHARACTERS_PER_PART);
    }
    await this.#table.put(key(sessionId), value);
  }

  /** Forgets the session's Entra tokens. */
  async erase(sessionId: string): Promise<void> {
    await this.#table.delete(key(sessionId));
  }
}

function key(sessionId: string) {
  return { partition: sessionId, row: "0" };
}

function partName(n: number): string {
  return `part${n}`;
}
