import type { Sealer } from "../keys/seal.ts";
import { joinText, longText, splitText } from "../storage/long-text.ts";
import type { Store } from "../storage/store.ts";
import { TypedTable } from "../storage/typed-table.ts";

/** Each session's Entra tokens: MSAL's cache, sealed before it reaches the table. */
export class Vault {
  readonly #table;
  readonly #sealer: Sealer;

  constructor(deps: { store: Store; sealer: Sealer }) {
    this.#table = new TypedTable(deps.store, "vault", longText);
    this.#sealer = deps.sealer;
  }

  /** @returns The session's serialized token cache, or undefined where there is none. */
  async read(sessionId: string): Promise<string | undefined> {
    const found = await this.#table.get(key(sessionId));
    if (found === undefined) return undefined;
    return this.#sealer.open("token-cache", sessionId, joinText(found.value));
  }

  /** Replaces the session's token cache. Two writers do no harm: either's tokens work. */
  async write(sessionId: string, cache: string): Promise<void> {
    const sealed = await this.#sealer.seal("token-cache", sessionId, cache);
    await this.#table.put(key(sessionId), splitText(sealed));
  }

  /** Forgets the session's Entra tokens. */
  async erase(sessionId: string): Promise<void> {
    await this.#table.delete(key(sessionId));
  }
}

function key(sessionId: string) {
  return { partition: sessionId, row: "0" };
}
