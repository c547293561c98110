import { reset } from "./admin.ts";
import { createCalendars } from "./calendars.ts";
import { createCodes } from "./codes.ts";
import { createConsents } from "./consents.ts";
import { openKeys } from "./keys.ts";
import { createLedger } from "./ledger.ts";
import type { Issued } from "./ledger.ts";
import { listenOnLoopback } from "./listen.ts";
import { createListener } from "./listener.ts";
import { openRecords } from "./records.ts";
import { serialsFrom } from "./stand-in.ts";
import { createSwitches } from "./switches.ts";
import type { SwitchSettings } from "./switches.ts";

export interface StartEntraOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** Where keys and records are kept; without it, tokens and calendars of this run end with it. */
  readonly dataDir?: string;
  readonly now?: () => Date;
}

/** A running stand-in. What the admin endpoints do can be had here without HTTP. */
export interface RunningEntra {
  /** `http://localhost:PORT`: for `ENTRA_AUTHORITY_URL` and `GRAPH_BASE_URL`. */
  readonly url: string;
  readonly port: number;
  /** Changes the switches that the patch names. @throws z.ZodError for what the switches cannot be */
  set(patch: Partial<SwitchSettings>): void;
  /** Restores switches, consents, counters and calendars. */
  reset(): void;
  requests(): Record<string, number>;
  issued(): readonly Issued[];
  /** Cuts every connection and frees the port. */
  stop(): Promise<void>;
}

/**
 * Starts the stand-in for Microsoft Entra ID and Microsoft Graph, on loopback only. The issuer's base is
 * `http://localhost:` and the port it got.
 *
 * @throws Error where the port is taken or the data folder is damaged
 */
export async function startEntra(options: StartEntraOptions): Promise<RunningEntra> {
  const now = options.now ?? (() => new Date());
  const keys = await openKeys(options.dataDir);
  const nextSerial = serialsFrom(now);
  const switches = createSwitches(nextSerial);
  const state = {
    now,
    nextSerial,
    keys,
    switches,
    consents: createConsents(switches),
    codes: createCodes(),
    ledger: createLedger(),
    calendars: createCalendars(openRecords(options.dataDir), () => undefined),
  };
  const { port, close } = await listenOnLoopback(options.port, (chosen) =>
    createListener({ ...state, base: baseOf(chosen) }),
  );
  return {
    url: baseOf(port),
    port,
    set: (patch) => void switches.set(patch),
    reset: () => reset(state),
    requests: () => state.ledger.requests(),
    issued: () => state.ledger.issued(),
    stop: close,
  };
}

function baseOf(port: number): string {
  return `http://localhost:${port}`;
}
