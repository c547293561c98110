import { z } from "zod";
import { AADSTS } from "./aadsts.ts";
import type { AadstsCode } from "./aadsts.ts";
import { ACCOUNT_NAMES } from "./directory.ts";
import type { AccountName } from "./directory.ts";
import { GRAPH_FAULTS } from "./graph-faults.ts";
import type { GraphFaultStatus } from "./graph-faults.ts";

const people = z.array(z.enum(ACCOUNT_NAMES));
const areas = z.array(z.enum(["token", "graph"]));

const graphStatus = z
  .custom<GraphFaultStatus>((value) => typeof value === "number" && value in GRAPH_FAULTS, {
    error: "not one of the statuses in tools/entra/graph-faults.ts",
  })
  .nullable();

const SwitchesSchema = z.strictObject({
  consentRequired: people,
  mfaRequired: people,
  refreshTokensExpired: people,
  refreshTokensRevoked: people,
  userDisabled: people,
  policyBlocked: people,
  claimsChallenge: people,
  tokenFault: z
    .custom<AadstsCode>((value) => typeof value === "number" && value in AADSTS, {
      error: "not one of the codes in tools/entra/aadsts.ts",
    })
    .nullable(),
  throttled: areas,
  serverError: areas,
  retryAfterSeconds: z.int().min(0).max(3600),
  delayMs: z.int().min(0).max(60_000),
  accessTokenSeconds: z.int().min(1).max(86_400),
  down: z.boolean(),
  notificationDelayMs: z.int().min(0).max(3_600_000),
  notificationsLost: z.boolean(),
  notificationsRepeated: z.boolean(),
  notificationsReordered: z.boolean(),
  subscribeFault: graphStatus,
  renewFault: graphStatus,
});

/** The failure switches, as `GET /admin/switches` shows them. What each does is in `faults.ts`. */
export interface SwitchSettings {
  /**
   * These people's consents no longer count: a sign-in shows the consent page, and a token request for scopes
   * not accepted since is `invalid_grant`, suberror `consent_required` (AADSTS65001).
   */
  consentRequired: AccountName[];
  /** Sign-ins made before the switch need MFA: code and refresh are `interaction_required` (AADSTS50076). */
  mfaRequired: AccountName[];
  /** Refresh tokens of sign-ins made before the switch have expired (AADSTS700082). */
  refreshTokensExpired: AccountName[];
  /** Refresh tokens of sign-ins made before the switch were revoked (AADSTS50173). */
  refreshTokensRevoked: AccountName[];
  /** The accounts are disabled: no sign-in (the picker says so), no code, no refresh (AADSTS50057). */
  userDisabled: AccountName[];
  /** Conditional Access gives no tokens: the sign-in passes, code and refresh do not (AADSTS53003). */
  policyBlocked: AccountName[];
  /**
   * Graph answers `401 insufficient_claims` until a sign-in carried the challenge in its `claims`. Only clients
   * that declared the capability `cp1` are challenged, as in Entra; a token without it goes on working.
   */
  claimsChallenge: AccountName[];
  /**
   * Every token request of an authenticated client answers this AADSTS number, any of `aadsts.ts`: 7000222 (secret
   * expired), 54005 (code already redeemed), 50033 or 90033 (temporarily unavailable, 503), … null: none.
   */
  tokenFault: AadstsCode | null;
  /** These answer `429` with `Retry-After`. */
  throttled: ("token" | "graph")[];
  /** These answer `500`: the token endpoint with a page that is not JSON, Graph with an error of its own. */
  serverError: ("token" | "graph")[];
  /** The `Retry-After` of `throttled` and of transient faults, in seconds. */
  retryAfterSeconds: number;
  /** Every answer but the admin's waits this long, in milliseconds. */
  delayMs: number;
  /** How long new Graph tokens live, in seconds. MSAL refreshes those with less than five minutes left. */
  accessTokenSeconds: number;
  /** Every connection but the admin's is cut without an answer: gone away, until it is switched back. */
  down: boolean;
  /** Notifications wait this long, in milliseconds; what goes to one address meanwhile joins the same post. */
  notificationDelayMs: number;
  /** Nobody is told of changes any more, not even later; lifecycle events still go out. */
  notificationsLost: boolean;
  /** Every post of notifications is made twice. */
  notificationsRepeated: boolean;
  /**
   * The later notification comes first: one alone waits for the next, and then each is posted by itself, newest
   * first. Switched off, what still waits is sent.
   */
  notificationsReordered: boolean;
  /** `POST /subscriptions` answers this status: 403, 429, 500, 503, … of `graph-faults.ts`. null: none. */
  subscribeFault: GraphFaultStatus | null;
  /** `PATCH` of a subscription and `POST …/reauthorize` answer this status. null: none. */
  renewFault: GraphFaultStatus | null;
}

/** The switches that name people. */
export type PersonSwitch = {
  [K in keyof SwitchSettings]: SwitchSettings[K] extends AccountName[] ? K : never;
}[keyof SwitchSettings];

const DEFAULTS: SwitchSettings = {
  consentRequired: [],
  mfaRequired: [],
  refreshTokensExpired: [],
  refreshTokensRevoked: [],
  userDisabled: [],
  policyBlocked: [],
  claimsChallenge: [],
  tokenFault: null,
  throttled: [],
  serverError: [],
  retryAfterSeconds: 5,
  delayMs: 0,
  accessTokenSeconds: 75 * 60,
  down: false,
  notificationDelayMs: 0,
  notificationsLost: false,
  notificationsRepeated: false,
  notificationsReordered: false,
  subscribeFault: null,
  renewFault: null,
};

export interface Switches {
  current(): SwitchSettings;
  /**
   * Changes the switches that the patch names and leaves the others. Naming a person (again) counts from now.
   *
   * @throws z.ZodError for an unknown switch or a value it cannot have; nothing has changed then
   */
  set(patch: unknown): SwitchSettings;
  reset(): void;
  /** The serial since which a switch holds for a person, or undefined where it is off. */
  since(name: PersonSwitch, account: AccountName): number | undefined;
}

/**
 * Makes the switches, all off.
 *
 * @param nextSerial where the moments come from that sign-ins are compared with
 */
export function createSwitches(nextSerial: () => number): Switches {
  let settings: SwitchSettings = structuredClone(DEFAULTS);
  let setAt: Partial<Record<string, number>> = {};
  return {
    current: () => settings,
    set(patch) {
      const { data, error } = SwitchesSchema.partial().safeParse(patch);
      if (error) {
        throw error;
      }
      const given = Object.entries(data).filter(([, value]) => value !== undefined);
      settings = { ...settings, ...(Object.fromEntries(given) as Partial<SwitchSettings>) };
      const serial = nextSerial();
      setAt = { ...setAt, ...Object.fromEntries(given.map(([name]) => [name, serial])) };
      return settings;
    },
    reset() {
      settings = structuredClone(DEFAULTS);
      setAt = {};
    },
    since: (name, account) => (settings[name].includes(account) ? setAt[name] : undefined),
  };
}
