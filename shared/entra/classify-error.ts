import { EntraError, type EntraErrorKind } from "./entra.ts";

/** Diagnostic numbers of Entra (`AADSTS…`), by what they mean to this server. */
const BY_NUMBER: ReadonlyMap<number, EntraErrorKind> = new Map(
  (
    [
      ["consent-required", [65001]],
      ["declined", [65004]],
      ["interaction-required", [50072, 50074, 50076, 50078, 50079, 50158]],
      ["session-over", [50089, 50132, 50133, 50173, 70000, 70008, 70043, 700082]],
      ["blocked", [50057, 50105, 53000, 53001, 53002, 53003, 530035]],
      ["code-redeemed", [54005]],
      ["configuration", [50011, 70002, 7000215, 7000222, 700016, 700025, 700027, 901002, 9010010]],
      // 700211 and 700213: a federated credential takes minutes to be seen.
      ["transient", [50033, 50087, 50196, 90033, 700211, 700213]],
    ] satisfies [EntraErrorKind, number[]][]
  ).flatMap(([kind, numbers]) => numbers.map((number) => [number, kind] as const)),
);

/** RFC 6749 and OpenID Connect codes, for numbers that are not in the table. */
const BY_CODE: ReadonlyMap<string, EntraErrorKind> = new Map([
  ["access_denied", "declined"],
  ["consent_required", "consent-required"],
  ["interaction_required", "interaction-required"],
  ["login_required", "interaction-required"],
  ["no_account_error", "session-over"],
  ["no_tokens_found", "session-over"],
  ["invalid_grant", "session-over"],
  ["bad_token", "session-over"],
  ["invalid_client", "configuration"],
  ["unauthorized_client", "configuration"],
  ["temporarily_unavailable", "transient"],
  ["server_error", "transient"],
]);

/** What is known of an error. */
export interface EntraFailure {
  /** OAuth error codes, the most telling first (`suberror`, `error`). */
  readonly codes: readonly string[];
  /** The text in which Entra puts its number. */
  readonly description: string;
  /** Whether MSAL says that the person is needed at a browser. */
  readonly interactionRequired: boolean;
  readonly cause?: unknown;
}

/**
 * The one place that says what an error of Entra means. What is not known counts as transient: it must
 * not end a session that is well.
 */
export function classifyEntraError(failure: EntraFailure): EntraError {
  const number = /AADSTS(\d+)/.exec(failure.description)?.[1];
  const kind =
    (number === undefined ? undefined : BY_NUMBER.get(Number(number))) ??
    failure.codes.map((code) => BY_CODE.get(code)).find((known) => known !== undefined) ??
    (failure.interactionRequired ? "interaction-required" : "transient");
  return new EntraError(kind, number && `AADSTS${number}`, { cause: failure.cause });
}
