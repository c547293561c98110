import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { Instances } from "../relay/instances.ts";
import type { Receiver } from "../relay/receiver.ts";
import type { ConnectionRow, ConnectionRows } from "./connection-rows.ts";
import { NEVER, waitOutOutage } from "./outage-patience.ts";
import type { SseConnection } from "./sse-connection.ts";

/** Who has not heard yet that an instance is gone may have sent something there a moment ago. */
const LATE_MS = 2_000;

export interface RecoveryDeps {
  readonly instances: Instances;
  readonly receiver: Receiver;
  readonly connectionRows: ConnectionRows;
  readonly clock: Clock;
  readonly log: Log;
}

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
  deps: RecoveryDeps,
  earlier: readonly ConnectionRow[],
  connection: SseConnection,
): Promise<void> {
  try {
    if (earlier.length === 0 || !(await connection.isContinued())) return;
    await waitOutOutage(deps.clock, NEVER, () => recover(deps, earlier, connection));
  } catch (error) {
    deps.log.error("connection-not-recovered", error, { connection: connection.id });
  }
}

/** It may be interrupted by an outage, and begun again. */
async function recover(
  { clock, connectionRows, instances, receiver }: RecoveryDeps,
  earlier: readonly ConnectionRow[],
  connection: SseConnection,
): Promise<void> {
  // Who has just gone is remembered for a second as being there.
  await instances.all({ fresh: true });
  const owned = await Promise.all(
    earlier.map(async (row) => ({ row, live: await instances.isLive(row.value.instance) })),
  );
  const others = owned.filter(({ row: { value }, live }) => live && value.endedAt === undefined);
  if (others.some(({ row }) => row.value.continued)) return;
  // While an instance is there, it may still bring an answer.
  const gone = owned.flatMap(({ row, live }) => (live ? [] : [row]));
  for (const row of gone) await receiver.takeOver(row, connection);
  for (const { row } of owned) await connection.takeAnswersOf(row.key.row);
  if (gone.length === 0) return;
  await clock.sleep(LATE_MS);
  for (const row of gone) {
    await receiver.takeOver(row, connection);
    await connectionRows.close(row.key);
  }
}
