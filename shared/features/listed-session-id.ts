/**
 * The id of a session as tools show it: it carries whose session it is, so that an administrator can end
 * one that was listed for somebody else by its id alone. To clients it is opaque.
 */
export function listedSessionId({ userKey, id }: { userKey: string; id: string }): string {
  return `${userKey}.${id}`;
}

/** @returns What {@link listedSessionId} put together, or undefined for anything else. */
export function parseListedSessionId(text: string): { userKey: string; id: string } | undefined {
  const [, userKey, id] = /^([\w-]{43})\.([\w-]{22})$/.exec(text) ?? [];
  return userKey === undefined || id === undefined ? undefined : { userKey, id };
}
