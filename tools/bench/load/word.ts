import { IDENTITY } from "../identity.ts";

export const WATCHED_URI = "bench://watched";

/** What the source of a watch tells with each notification. */
export interface Word {
  readonly subscriptionId: string;
  readonly clientState: string;
}

/** @returns The body that Microsoft Graph would post. */
export function notification(word: Word): string {
  const change = { ...word, changeType: "updated", tenantId: IDENTITY.tenantId };
  return JSON.stringify({ value: [change] });
}
