import type { Clock } from "../clock.ts";
import type { ConnectionRows } from "../mcp/connection-rows.ts";
import type { WaitingAnswers } from "../mcp/waiting-answers.ts";
import type { RegisteredClients } from "../oauth/clients/registered-clients.ts";
import type { Inbox } from "../relay/inbox.ts";
import type { Instances } from "../relay/instances.ts";
import { INBOX_KEPT_MS } from "../relay/lease.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { ExpiringTable } from "../storage/expiries.ts";
import type { Key } from "../storage/store.ts";

/**
 * Ends a row, or a partition, if it has ended.
 *
 * @returns When to look again (ms), where it has not.
 * @throws StorageUnavailable
 */
export type ExpireRow = (key: Key) => Promise<number | undefined>;

/** @returns How what is noted in `expiries` ends, by its table. */
export function expireRows(deps: {
  registered: RegisteredClients;
  sessions: Sessions;
  connectionRows: ConnectionRows;
  waitingAnswers: WaitingAnswers;
  instances: Instances;
  inbox: Inbox;
  clock: Clock;
}): Record<ExpiringTable, ExpireRow> {
  const { clock, connectionRows, inbox, instances, registered, sessions, waitingAnswers } = deps;
  return {
    clients: (key) => registered.expire(key),
    sessions: (key) => sessions.expire(key),
    connections: async (key) => {
      const endsAt = await connectionRows.expire(key);
      if (endsAt === undefined) await waitingAnswers.clear(key.row);
      return endsAt;
    },
    events: async ({ partition: stream }) => {
      await waitingAnswers.clear(stream);
      return undefined;
    },
    inbox: async ({ partition: instance }) => {
      if (await instances.isLive(instance)) return clock.now() + INBOX_KEPT_MS;
      await inbox.clear(instance);
      return undefined;
    },
  };
}
