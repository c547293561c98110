import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { Identity } from "../entra/entra.ts";
import { formatScopes, parseScopes, type Scope } from "../oauth/scopes.ts";
import type { Expiries } from "../storage/expiries.ts";
import { expireRow } from "../storage/expire-row.ts";
import { type Key, RowChanged, type Store } from "../storage/store.ts";
import { type Typed, TypedTable } from "../storage/typed-table.ts";
import type { Vault } from "./vault.ts";

/**
 * A session: one sign-in of one person through one client. The client's tokens name it, and it leads to
 * the Entra tokens in the vault.
 */
export interface Session {
  readonly id: string;
  readonly userKey: string;
  readonly clientId: string;
  readonly clientName: string;
  readonly scopes: readonly Scope[];
  readonly roles: readonly string[];
  /** The audience that the client asked for at the start. */
  readonly resource: string;
  /** All times in milliseconds since the epoch. */
  readonly createdAt: number;
  /** Slides with each refresh, up to `endsAt`. A session ends without being asked at this time. */
  readonly idleUntil: number;
  /** However often it is refreshed, it ends here. */
  readonly endsAt: number;
  /** A claims challenge of Entra's: the tokens are refused until the person has signed in again. */
  readonly claims?: string | undefined;
  /** Which browser the person signed in with, see `http/device-cookie.ts`. */
  readonly device?: string | undefined;
}

/** A session as a list of them shows it. */
export interface ListedSession extends Session {
  /** When its tokens were last issued or refreshed (ms). Calls in between leave no trace in storage. */
  readonly lastUsedAt: number;
}

const row = z.object({
  tenantId: z.string(),
  objectId: z.string(),
  clientId: z.string(),
  clientName: z.string(),
  scopes: z.string(),
  roles: z.string(),
  resource: z.string(),
  createdAt: z.number(),
  idleUntil: z.number(),
  endsAt: z.number(),
  lastUsedAt: z.number(),
  device: z.string().optional(),
  /** How often the refresh token was rotated; 0 before the code is redeemed. */
  generation: z.number().int(),
  /** The hash of the refresh token that is valid now; empty before the code is redeemed. */
  refreshHash: z.string(),
  /** The one before, its successor sealed under it, and when it was rotated: for a retry. */
  previousHash: z.string().optional(),
  retryAnswer: z.string().optional(),
  rotatedAt: z.number().optional(),
  /** Until when one request may ask Entra and rotate, while others wait for its answer. */
  leaseUntil: z.number().optional(),
  /** What Entra wants to be shown before the session's tokens are good again. */
  claims: z.string().optional(),
});
export type SessionRow = Typed<z.infer<typeof row>>;

/** The session mapping, in the `sessions` table: a person's sessions share a partition. */
export class Sessions {
  readonly table;
  readonly #clock: Clock;
  readonly #vault: Vault;
  readonly #expiries: Expiries;

  constructor(deps: { store: Store; clock: Clock; vault: Vault; expiries: Expiries }) {
    this.#expiries = deps.expiries;
    this.table = new TypedTable(deps.store, "sessions", row);
    this.#clock = deps.clock;
    this.#vault = deps.vault;
  }

  /**
   * Stores a new session, without any refresh token yet, and its Entra tokens. The note of its end comes
   * first: whatever breaks off after it is found and removed. A write whose answer is lost can be sent again.
   */
  async create(session: Session, identity: Identity, tokenCache: string): Promise<void> {
    const { id, userKey, scopes, roles, ...rest } = session;
    const key = { partition: userKey, row: id };
    await this.#expiries.note({ table: "sessions", key }, session.idleUntil);
    await this.#vault.write(id, tokenCache);
    await this.table.put(key, {
      ...rest,
      tenantId: identity.tenantId,
      objectId: identity.objectId,
      scopes: formatScopes(scopes),
      roles: JSON.stringify(roles),
      lastUsedAt: session.createdAt,
      generation: 0,
      refreshHash: "",
    });
  }

  /** @returns The row of a session that is alive, or undefined. */
  async find(userKey: string, sessionId: string): Promise<SessionRow | undefined> {
    const found = await this.table.get({ partition: userKey, row: sessionId });
    if (found === undefined) return undefined;
    return this.#clock.now() < endOf(found) ? found : undefined;
  }

  /** @returns A person's sessions that are alive, the last used one first. */
  async list(userKey: string): Promise<ListedSession[]> {
    const alive: ListedSession[] = [];
    for await (const found of this.table.list(userKey)) {
      if (this.#clock.now() >= endOf(found)) continue;
      alive.push({ ...toSession(found), lastUsedAt: found.value.lastUsedAt });
    }
    return alive.toSorted((a, b) => b.lastUsedAt - a.lastUsedAt);
  }

  /**
   * Ends a session in storage: its tokens stop working and its Entra tokens are forgotten. Ending it twice
   * is fine. Who ends one that may be in use calls `SessionEnd`, which calls this.
   *
   * @returns Whether there was one.
   */
  async end(userKey: string, sessionId: string): Promise<boolean> {
    const existed = await this.table.delete({ partition: userKey, row: sessionId });
    await this.#vault.erase(sessionId);
    return existed;
  }

  /** Keeps a claims challenge of Entra's with the session. */
  async challenge(userKey: string, sessionId: string, claims: string): Promise<void> {
    for (;;) {
      const found = await this.find(userKey, sessionId);
      if (found === undefined) return;
      try {
        await this.table.replace(found, { ...found.value, claims });
        return;
      } catch (error) {
        if (!(error instanceof RowChanged)) throw error;
      }
    }
  }

  /** @returns A person's sessions with one client that wait for a claims challenge to be met. */
  async challenged(userKey: string, clientId: string): Promise<{ id: string; claims: string }[]> {
    const waiting = [];
    for await (const found of this.table.list(userKey)) {
      const { key, value } = found;
      if (this.#clock.now() >= endOf(found) || value.clientId !== clientId) continue;
      if (value.claims !== undefined) waiting.push({ id: key.row, claims: value.claims });
    }
    return waiting;
  }

  /**
   * Removes a session that has ended by itself, or what is left of one that was never finished.
   *
   * @returns When it will end (ms), where it has not yet.
   */
  async expire(key: Key): Promise<number | undefined> {
    const endsAt = await expireRow(this.table, key, this.#clock, endOf);
    if (endsAt === undefined) await this.#vault.erase(key.row);
    return endsAt;
  }
}

function endOf({ value }: SessionRow): number {
  return Math.min(value.idleUntil, value.endsAt);
}

/** @returns The session that a row holds. */
export function toSession({ key, value }: SessionRow): Session {
  return {
    id: key.row,
    userKey: key.partition,
    clientId: value.clientId,
    clientName: value.clientName,
    scopes: parseScopes(value.scopes) ?? [],
    roles: z.array(z.string()).parse(JSON.parse(value.roles)),
    resource: value.resource,
    createdAt: value.createdAt,
    idleUntil: value.idleUntil,
    endsAt: value.endsAt,
    claims: value.claims,
    device: value.device,
  };
}
