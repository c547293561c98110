import { describe, expect, it } from "vitest";
import { classifyEntraError } from "../../shared/entra/classify-error.ts";
import type { EntraErrorKind } from "../../shared/entra/entra.ts";

const numbered = (number: number, codes: string[] = ["invalid_grant"]) =>
  classifyEntraError({
    codes,
    description: `AADSTS${number}: Something. Trace ID: 1 Correlation ID: 2`,
    interactionRequired: false,
  });

const coded = (codes: string[], interactionRequired = false) =>
  classifyEntraError({ codes, description: "", interactionRequired });

describe("an error with a number of Entra's", () => {
  it.each<[EntraErrorKind, number[]]>([
    ["consent-required", [65001]],
    ["declined", [65004]],
    ["interaction-required", [50072, 50074, 50076, 50078, 50079, 50158]],
    ["session-over", [50089, 50132, 50133, 50173, 70000, 70008, 70043, 700082]],
    ["blocked", [50057, 50105, 53000, 53001, 53002, 53003, 530035]],
    ["code-redeemed", [54005]],
    ["configuration", [50011, 70002, 7000215, 7000222, 700025, 700027, 700016]],
    ["transient", [50033, 50087, 90033, 50196]],
  ])("is %s: %j", (kind, numbers) => {
    for (const number of numbers) expect([number, numbered(number).kind]).toEqual([number, kind]);
  });

  it("means what the number says, whatever the OAuth code beside it", () => {
    expect(numbered(90033, ["invalid_grant"]).kind).toBe("transient");
    expect(numbered(700082, ["interaction_required"]).kind).toBe("session-over");
  });

  it("shows the number, which an administrator looks up, and nothing else of the text", () => {
    const error = classifyEntraError({
      codes: [],
      description: "AADSTS50105: The user 'alice@contoso.example' is not assigned",
      interactionRequired: false,
    });
    expect(error.code).toBe("AADSTS50105");
    expect(error.message).toBe("Entra: blocked (AADSTS50105)");
  });

  it("means what its code says where the number is not known", () => {
    const error = numbered(999999, ["invalid_client"]);
    expect(error).toMatchObject({ kind: "configuration", code: "AADSTS999999" });
  });
});

describe("an error without a number", () => {
  it.each<[string[], EntraErrorKind]>([
    [["access_denied"], "declined"],
    [["consent_required"], "consent-required"],
    [["interaction_required"], "interaction-required"],
    [["login_required"], "interaction-required"],
    [["no_account_error"], "session-over"],
    [["no_tokens_found"], "session-over"],
    [["invalid_grant"], "session-over"],
    [["bad_token"], "session-over"],
    [["invalid_client"], "configuration"],
    [["unauthorized_client"], "configuration"],
    [["temporarily_unavailable"], "transient"],
    [["server_error"], "transient"],
    [["consent_required", "invalid_grant"], "consent-required"],
    [["unknown_suberror", "invalid_grant"], "session-over"],
  ])("%j is %s: the most telling code counts", (codes, kind) => {
    expect(coded(codes)).toMatchObject({ kind, code: undefined });
  });

  it("needs the person where only MSAL says so", () => {
    expect(coded(["basic_action"], true).kind).toBe("interaction-required");
  });

  it("counts as transient where nothing is known: it must not end a session that is well", () => {
    expect(coded([]).kind).toBe("transient");
    expect(coded(["brand_new_code"]).kind).toBe("transient");
  });

  it("keeps its cause for the log", () => {
    const cause = new Error("from MSAL");
    const error = classifyEntraError({
      codes: [],
      description: "",
      interactionRequired: false,
      cause,
    });
    expect(error.cause).toBe(cause);
  });
});
