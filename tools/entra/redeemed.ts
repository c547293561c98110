import type { Grant } from "./grant.ts";

/** What a code or a refresh token turned out to stand for. */
export interface Redeemed {
  readonly grant: Grant;
  readonly nonce: string | undefined;
  readonly clientInfo: boolean;
  /** Uses up what was presented, if it is of the kind that is used up. */
  commit(): void;
}
