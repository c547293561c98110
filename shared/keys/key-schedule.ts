import { MAX_ACCESS_TOKEN_TTL_SECONDS, MAX_SESSION_TTL_SECONDS } from "../settings.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Instances read the keys again after this time, and at once where they meet an unknown key id. */
export const REREAD_AFTER_MS = 6 * HOUR_MS;

/**
 * A new key lies in its table, and in the JWKS, this long before it is used: longer than instances go
 * without reading the keys again, and than anybody may cache the JWKS.
 */
export const PUBLISH_AHEAD_MS = DAY_MS;

/** For clocks that differ, and for runs of the timer that fail. */
const MARGIN_MS = DAY_MS;

export interface KeyPolicy {
  /** How long a key is the one in use. */
  readonly inUseMs: number;
  /** How long it is kept after that: as long as anything that was made with it may live. */
  readonly keptMs: number;
}

/** They sign access tokens. */
export const SIGNING_KEY_POLICY: KeyPolicy = {
  inUseMs: 30 * DAY_MS,
  keptMs: MAX_ACCESS_TOKEN_TTL_SECONDS * 1000 + MARGIN_MS,
};

/** They seal, and nothing that they seal outlives a session, except signing keys, which are sealed anew. */
export const DATA_KEY_POLICY: KeyPolicy = {
  inUseMs: 90 * DAY_MS,
  keptMs: MAX_SESSION_TTL_SECONDS * 1000 + MARGIN_MS,
};

/** A key with the time from which on it is used, in milliseconds since the epoch. */
export interface Dated {
  readonly value: { readonly notBefore: number };
}

/**
 * The key in use: the newest whose time has come. Rows and clock alone decide, so all instances agree.
 *
 * @param keys In the order of their numbers, at least one.
 */
export function keyInUse<T extends Dated>(keys: readonly T[], now: number): T {
  // The first key of all is used even where the clock of its maker is ahead of ours.
  const key = keys.findLast(({ value }) => value.notBefore <= now) ?? keys[0];
  if (key === undefined) throw new RangeError("there is no key");
  return key;
}

/** @returns From when on the next key is to be used, or undefined while it is too early to make it. */
export function nextKeyDue(
  keys: readonly Dated[],
  { inUseMs }: KeyPolicy,
  now: number,
): number | undefined {
  const newest = keys.at(-1);
  if (newest === undefined) return now;
  const due = newest.value.notBefore + inUseMs;
  return now < due - PUBLISH_AHEAD_MS ? undefined : Math.max(due, now + PUBLISH_AHEAD_MS);
}

/** @returns The keys of which nothing can be left. */
export function retiredKeys<T extends Dated>(
  keys: readonly T[],
  { keptMs }: KeyPolicy,
  now: number,
): readonly T[] {
  return keys.filter((_, index) => {
    const successor = keys[index + 1];
    return successor !== undefined && successor.value.notBefore + keptMs <= now;
  });
}
