import { sha256 } from "../digest.ts";

const HOUR_MS = 3_600_000;
const SHARDS = 16;

/**
 * Rows that end are filed under the UTC hour of their end, so that what has ended is found by partition and
 * no table is ever scanned. Sixteen shards an hour keep a rush off a single partition.
 */
export function hourPartition(hour: number, row: string): string {
  const shard = (Buffer.from(sha256(row), "base64url")[0] ?? 0) % SHARDS;
  return `${hour.toString(36)}-${shard.toString(16)}`;
}

/** @returns The partitions of one hour. */
export function hourPartitions(hour: number): string[] {
  return Array.from({ length: SHARDS }, (_, shard) => `${hour.toString(36)}-${shard.toString(16)}`);
}

/** @returns The hour that a time is in, counted from the epoch. */
export function hourOf(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS);
}
