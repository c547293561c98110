/**
 * What the account page says after something was done. The address names only which sentence: whatever
 * else a link may carry is not shown.
 */
export const ACCOUNT_NOTICES = {
  ended: "The app is disconnected. It has to ask you again before it can act as you.",
  gone: "That app was already disconnected.",
  "all-ended": "All apps are disconnected. Each has to ask you again before it can act as you.",
  "signed-out": "You are signed out of this page. Apps that are connected stay connected.",
  stale: "The page was out of date, so nothing was changed. Please try again.",
} as const;

export type AccountNotice = keyof typeof ACCOUNT_NOTICES;

/** Whether the address names a notice of ours. */
export function isAccountNotice(text: string | null): text is AccountNotice {
  return text !== null && Object.hasOwn(ACCOUNT_NOTICES, text);
}
