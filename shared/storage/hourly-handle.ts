import { sha256 } from "../digest.ts";
import { type Random, randomSecret } from "../random.ts";
import type { Key } from "./store.ts";

const HOUR_MS = 3_600_000;
const HANDLE = /^([0-9a-z]{1,8})\.([A-Za-z0-9_-]{43})$/;

/**
 * A one-time value for the outside (a code, a state) whose row lives for minutes. It carries the UTC
 * hour in which its row expires, and the row is filed under that hour: expired rows are found by
 * partition, never by scanning the table. Only a hash of it is stored.
 */
export function newHandle(random: Random, expiresAtMs: number): string {
  return `${Math.floor(expiresAtMs / HOUR_MS).toString(36)}.${randomSecret(random)}`;
}

/** @returns Where the row of `handle` is, or undefined for something that we never issued. */
export function handleKey(handle: string): Key | undefined {
  const hour = HANDLE.exec(handle)?.[1];
  if (hour === undefined) return undefined;
  const row = sha256(handle);
  // Sixteen shards an hour keep a rush of sign-ins off a single partition.
  return { partition: `${hour}-${shard(row)}`, row };
}

function shard(hash: string): string {
  return ((Buffer.from(hash, "base64url")[0] ?? 0) & 0x0f).toString(16);
}
