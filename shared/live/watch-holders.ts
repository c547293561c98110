import type { Clock } from "../clock.ts";
import type { ConnectionRows } from "../mcp/connection-rows.ts";
import type { Instances } from "../relay/instances.ts";
import { type Session, type Sessions, toSession } from "../sessions/sessions.ts";
import type { Watch } from "./watch.ts";
import type { WatchRow } from "./watch-rows.ts";

/** Who is subscribed to a watched resource, and with whose session it can be watched. */
export class WatchHolders {
  readonly #connectionRows: ConnectionRows;
  readonly #instances: Instances;
  readonly #sessions: Sessions;
  readonly #clock: Clock;

  constructor(deps: {
    connectionRows: ConnectionRows;
    instances: Instances;
    sessions: Sessions;
    clock: Clock;
  }) {
    this.#connectionRows = deps.connectionRows;
    this.#instances = deps.instances;
    this.#sessions = deps.sessions;
    this.#clock = deps.clock;
  }

  /** @returns The sessions that have a connection which is subscribed. */
  async of(userKey: string, uri: string): Promise<string[]> {
    const now = this.#clock.now();
    const rows = (await this.#connectionRows.of(userKey)).filter(
      ({ value }) =>
        value.endedAt === undefined &&
        value.expiresAt > now &&
        value.subscriptions.includes(JSON.stringify(uri)),
    );
    // A stream whose instance is gone has no subscriber behind it any more.
    const live = await Promise.all(
      rows.map(async ({ value: { instance } }) =>
        instance === "" ? true : this.#instances.isLive(instance),
      ),
    );
    return rows.filter((_, n) => live[n]).map(({ value }) => value.sessionId);
  }

  /**
   * @param holders Sessions, as {@link of} has them.
   * @returns A session with whose token it can be watched: the one that has been, if it can still.
   */
  async sessionFor(
    row: WatchRow,
    holders: readonly string[],
    watch: Watch,
  ): Promise<Session | undefined> {
    const wanted = new Set(holders);
    const ordered = [row.value.sessionId, ...wanted].filter((id) => wanted.has(id));
    for (const id of new Set(ordered)) {
      const session = await this.living(row.key.partition, id);
      if (session?.scopes.includes(watch.requires) === true) return session;
    }
    return undefined;
  }

  /** @returns The session, if there are tokens to be had of it. */
  async living(userKey: string, id: string): Promise<Session | undefined> {
    const row = await this.#sessions.find(userKey, id);
    const session = row && toSession(row);
    return session?.claims === undefined ? session : undefined;
  }
}
