import type { Sealer } from "../keys/seal.ts";
import { joinText, longText, splitText } from "../storage/long-text.ts";
import { RowChanged, type Store } from "../storage/store.ts";
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

  /** Stores the token cache of a new session. */
  async write(sessionId: string, cache: string): Promise<void> {
    const sealed = await this.#sealer.seal("token-cache", sessionId, cache);
    await this.#table.put(key(sessionId), splitText(sealed));
  }

  /**
   * Replaces the session's token cache. Two instances that renew at once do no harm, for either's tokens
   * work; and one that renews while the session is ended does not bring the tokens back.
   */
  async renew(sessionId: string, cache: string): Promise<void> {
    const found = await this.#table.get(key(sessionId));
    if (found === undefined) return;
    const sealed = await this.#sealer.seal("token-cache", sessionId, cache);
    try {
      await this.#table.replace(found, splitText(sealed));
    } catch (error) {
      if (!(error instanceof RowChanged)) throw error;
    }
  }

  /** Forgets the session's Entra tokens. */
  async erase(sessionId: string): Promise<void> {
    await this.#table.delete(key(sessionId));
  }
}

function key(sessionId: string) {
  return { partition: sessionId, row: "0" };
}
