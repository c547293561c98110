import type { AccountName } from "./directory.ts";

/** A secret that was handed out, for tests that look for secrets where none may be. */
export interface Issued {
  readonly kind:
    | "code"
    /** Of a PKCE pair: taken in, not handed out. */
    | "code_verifier"
    | "access_token"
    | "refresh_token"
    | "id_token"
    | "client_assertion"
    /** The secret of a subscription: taken in, not handed out, but no more to be found anywhere. */
    | "client_state";
  readonly account: AccountName | null;
  readonly value: string;
}

/** Counts what arrived and remembers what was handed out. */
export interface Ledger {
  count(name: string): void;
  /** How often each endpoint was asked since the last reset. Faults are counted too: they arrived. */
  requests(): Record<string, number>;
  record(issued: Issued): void;
  /** Everything issued since the process started; a reset does not forget it. */
  issued(): readonly Issued[];
  reset(): void;
}

/** Makes an empty ledger. */
export function createLedger(): Ledger {
  const counters = new Map<string, number>();
  const issued: Issued[] = [];
  return {
    count: (name) => void counters.set(name, (counters.get(name) ?? 0) + 1),
    requests: () => Object.fromEntries([...counters].toSorted(([a], [b]) => a.localeCompare(b))),
    record: (entry) => void issued.push(entry),
    issued: () => issued,
    reset: () => counters.clear(),
  };
}
