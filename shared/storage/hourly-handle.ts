import { sha256 } from "../digest.ts";
import { type Random, randomSecret } from "../random.ts";
import { hourOf, hourPartition } from "./hour-partition.ts";
import type { Key } from "./store.ts";

const HANDLE = /^([0-9a-z]{1,6})\.[A-Za-z0-9_-]{43}$/;

/**
 * A one-time value for the outside (a code, a state) whose row lives for minutes. It carries the hour that
 * its row is filed under; only a hash of it is stored.
 */
export function newHandle(random: Random, expiresAtMs: number): string {
  return `${hourOf(expiresAtMs).toString(36)}.${randomSecret(random)}`;
}

/** @returns Where the row of `handle` is, or undefined for something that we never issued. */
export function handleKey(handle: string): Key | undefined {
  const hour = HANDLE.exec(handle)?.[1];
  if (hour === undefined) return undefined;
  const row = sha256(handle);
  return { partition: hourPartition(Number.parseInt(hour, 36), row), row };
}
