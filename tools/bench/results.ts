import type { Latencies } from "./load/latencies.ts";
import type { OperationCounts } from "./servers/counting-store.ts";
import type { Profile } from "./servers/profile.ts";

/** What a load came to: medians of the rounds. */
export interface LoadFigures extends Latencies {
  readonly perSecond: number;
  /** Processor time of the server, for each call (µs). */
  readonly processorMicros: number;
}

/** The same load on the app and on what it is held against, in turns. */
export interface Comparison {
  readonly protocol: string;
  readonly ours: LoadFigures;
  readonly bare: LoadFigures;
  /** The median of the rounds' ratios of throughput: ours by the other's. */
  readonly ratio: number;
  /** How busy the load generator was in the quickest round: at 1 it would be what was measured. */
  readonly loadBusy: number;
  /** Storage operations of one call, polling and leases left out. */
  readonly operationsPerCall?: number;
  /** Where the app's time went. */
  readonly profile?: Profile;
}

/** Calls that land on another instance than their stream's. */
export interface RelayedFigures {
  /** `tables` or `redis`. */
  readonly by: string;
  /** While so many calls are made in a second. */
  readonly underLoad: Latencies & { readonly perSecond: number };
  /** As many as there can be, and what they take then. */
  readonly atMost: Latencies & { readonly perSecond: number };
  /** Storage operations of one call: where it is taken; where it is claimed, with leases; and looks into the inbox. */
  readonly operationsPerCall: {
    readonly taking: number;
    readonly claiming: number;
    readonly polling: number;
  };
  readonly afterSilence?: Latencies & { readonly samples: number };
}

/** From Microsoft Graph's word to the client's, where its stream is at another instance. */
export interface LiveFigures {
  /** `tables` or `redis`. */
  readonly by: string;
  /** While so many changes are told in a second. */
  readonly perSecond: number;
  readonly clients: readonly {
    readonly protocol: string;
    readonly underLoad: Latencies;
    readonly afterSilence?: Latencies & { readonly samples: number };
  }[];
}

/** Streams that are open and listen. */
export interface StreamFigures {
  readonly server: "ours" | "bare";
  readonly streams: number;
  /** For each stream (KB). */
  readonly heap: number;
  readonly external: number;
  readonly resident: number;
  /** How many were opened in a second, and what each cost storage. */
  readonly openedPerSecond: number;
  readonly operationsPerStream: number;
  /** While all of them are idle, in a second: storage operations in the background, and processor time (ms). */
  readonly idle:
    { readonly operationsPerSecond: number; readonly processorMillis: number } | undefined;
}

/** From the start of the process to an answer (ms). */
export interface StartFigures {
  readonly what: string;
  readonly median: number;
  readonly fastest: number;
  readonly slowest: number;
}

export interface SignInFigures extends Latencies {
  readonly samples: number;
  /** Of which the pages of the Entra stand-in took (ms, median). */
  readonly standIn: number;
  /** Of one sign-in, registration included, by route. */
  readonly operations: OperationCounts;
}

/** What depends on how much there is in the tables. */
export interface AtSize {
  /** Sessions in the tables. */
  readonly sessions: number;
  readonly calls: readonly Comparison[];
  readonly relayed: RelayedFigures;
  readonly signIn: SignInFigures;
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  /** Load averages of the last minute, before the run and after it. */
  readonly loadBefore: number;
  readonly loadAfter: number;
  /** How long a fixed piece of work took (ms): to tell a slow hour of a machine from a slow server. */
  readonly fixedWorkMs: number;
}

export interface Results {
  readonly takenAt: string;
  readonly seconds: number;
  readonly machine: Machine;
  readonly small: AtSize;
  readonly large: AtSize;
  readonly hosted: readonly Comparison[];
  readonly relayedByRedis?: RelayedFigures;
  readonly live: readonly LiveFigures[];
  readonly streams: readonly StreamFigures[];
  readonly starts: readonly StartFigures[];
  /** Bytes of the deployment package. */
  readonly packageBytes: number;
}
