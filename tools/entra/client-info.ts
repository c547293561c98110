import type { Account } from "./directory.ts";

/** `client_info`: who signed in, for MSAL's cache key, as base64url JSON of object id and home tenant. */
export function clientInfoOf(account: Account): string {
  const value = { uid: account.profile.id, utid: account.tenant.id };
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
