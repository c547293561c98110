import { reset, setSwitches } from "./admin.ts";
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
import { createChallenges } from "./subscriptions/challenges.ts";
import { lifecycleNotification } from "./subscriptions/notification.ts";
import { createOutbox } from "./subscriptions/outbox.ts";
import type { SentNotifications } from "./subscriptions/outbox.ts";
import type { Subscription } from "./subscriptions/subscription.ts";
import { createSubscriptions } from "./subscriptions/subscriptions.ts";
import { tellSubscribers } from "./subscriptions/tell-subscribers.ts";
import { createSwitches } from "./switches.ts";
import type { SwitchSettings } from "./switches.ts";
import { waitForReal } from "./wait.ts";
import type { Wait } from "./wait.ts";

export interface StartEntraOptions {
  /** 0 for any free port. */
  readonly port: number;
  /** Where keys and records are kept; without it, tokens, calendars and subscriptions end with the run. */
  readonly dataDir?: string;
  readonly now?: () => Date;
  /** How time passes between two attempts, and until a token expires. */
  readonly wait?: Wait;
}

/** A running stand-in. What the admin endpoints are asked most can be had here without HTTP. */
export interface RunningEntra {
  /** `http://localhost:PORT`: for `ENTRA_AUTHORITY_URL` and `GRAPH_BASE_URL`. */
  readonly url: string;
  readonly port: number;
  /** Changes the switches that the patch names. @throws z.ZodError for what the switches cannot be */
  set(patch: Partial<SwitchSettings>): void;
  /** Restores switches, consents, counters and calendars, and forgets subscriptions. */
  reset(): void;
  requests(): Record<string, number>;
  issued(): readonly Issued[];
  /** Everybody's live subscriptions, oldest first. */
  subscriptions(): readonly Subscription[];
  /** The last 1,000 posts to subscribers, oldest first. */
  notifications(): readonly SentNotifications[];
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
  const { now = () => new Date(), wait = waitForReal, dataDir } = options;
  const keys = await openKeys(dataDir);
  const nextSerial = serialsFrom(now);
  const switches = createSwitches(nextSerial);
  const records = openRecords(dataDir);
  const outbox = createOutbox(now, wait, switches);
  const challenges = createChallenges(now, wait, (subscription) =>
    outbox.send(lifecycleNotification(subscription, "reauthorizationRequired")),
  );
  const subscriptions = createSubscriptions(now, records, challenges);
  const calendars = createCalendars(records, (change, event) =>
    tellSubscribers({ subscriptions, outbox }, now().getTime(), change, event),
  );
  const state = {
    now,
    wait,
    nextSerial,
    keys,
    switches,
    consents: createConsents(switches),
    codes: createCodes(),
    ledger: createLedger(),
    calendars,
    subscriptions,
    outbox,
  };
  const { port, close } = await listenOnLoopback(options.port, (chosen) =>
    createListener({ ...state, base: baseOf(chosen) }),
  );
  return {
    url: baseOf(port),
    port,
    set: (patch) => void setSwitches(state, patch),
    reset: () => reset(state),
    requests: () => state.ledger.requests(),
    issued: () => state.ledger.issued(),
    subscriptions: () => subscriptions.all(),
    notifications: () => outbox.sent(),
    async stop() {
      await close();
      subscriptions.close();
      outbox.reset();
    },
  };
}

function baseOf(port: number): string {
  return `http://localhost:${port}`;
}
