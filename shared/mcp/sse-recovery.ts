import type { Log } from "../log.ts";
import type { Instances } from "../relay/instances.ts";
import type { Relay } from "../relay/relay.ts";
import type { ConnectionRow, ConnectionRows } from "./connection-rows.ts";
import type { SseConnection } from "./sse-connection.ts";

/** @returns The connections that a session has or had, the newest first. */
export function earlierConnections(
  rows: readonly ConnectionRow[],
  sessionId: string,
): ConnectionRow[] {
  return rows
    .filter(({ value }) => value.kind === "sse" && value.sessionId === sessionId)
    .toSorted((a, b) => b.writtenAt - a.writtenAt);
}

/**
 * Brings a client that has come back what its earlier connections owe it: answers that found no stream, and
 * what was accepted by an instance that is gone and has not run. Where a second client of the session has
 * come back, nobody can tell whose they are, and they stay where they are.
 */
export async function recoverFrom(
  deps: { instances: Instances; relay: Relay; connectionRows: ConnectionRows; log: Log },
  earlier: readonly ConnectionRow[],
  connection: SseConnection,
): Promise<void> {
  try {
    if (earlier.length === 0 || !(await connection.isContinued())) return;
    const owned = await Promise.all(
      earlier.map(async (row) => ({ row, live: await deps.instances.isLive(row.value.instance) })),
    );
    const others = owned.filter(({ row: { value }, live }) => live && value.endedAt === undefined);
    if (others.some(({ row }) => row.value.continued)) return;
    for (const { row, live } of owned) {
      if (!live) await deps.relay.takeOver(row, connection);
      await connection.takeAnswersOf(row.key.row);
      // While its instance is there, it may still bring an answer.
      if (!live) await deps.connectionRows.close(row.key);
    }
  } catch (error) {
    deps.log.error("connection-not-recovered", error, { connection: connection.id });
  }
}
