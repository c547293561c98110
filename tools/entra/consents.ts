import type { AccountName } from "./directory.ts";
import type { Switches } from "./switches.ts";

/**
 * Which scopes a person has agreed to. An administrator has consented for everybody, so nobody is asked, except
 * while the switch `consentRequired` names the person: then only what was accepted since counts.
 */
export interface Consents {
  /** Remembers that the person accepted these scopes. @param serial the moment */
  accept(account: AccountName, scopes: readonly string[], serial: number): void;
  /** Returns those of the scopes that the person still has to agree to. */
  missing(account: AccountName, scopes: readonly string[]): string[];
  reset(): void;
}

/** Makes an empty memory of consents. */
export function createConsents(switches: Switches): Consents {
  let accepted: { account: AccountName; scope: string; serial: number }[] = [];
  return {
    accept(account, scopes, serial) {
      accepted.push(...scopes.map((scope) => ({ account, scope, serial })));
    },
    missing(account, scopes) {
      const since = switches.since("consentRequired", account);
      if (since === undefined) {
        return [];
      }
      const holds = accepted.filter((one) => one.account === account && one.serial > since);
      return scopes.filter((scope) => !holds.some((one) => one.scope === scope));
    },
    reset() {
      accepted = [];
    },
  };
}
