import { createHash } from "node:crypto";
import { expect } from "vitest";
import { answerTo, expectPage, jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { holdsEvery } from "../support/rules.ts";

const RULES = {
  required: "requires a challenge, with invalid_request (§4.4.1)",
  s256Only: "refuses plain, by name or by an absent method (OAuth 2.1 §7.5.1)",
  challengeSyntax: "refuses a challenge that no SHA-256 makes (§4.2)",
  appendixB: "accepts the pair of Appendix B",
  verifierLength: "takes verifiers of 43 to 128 characters (§4.1)",
  verifierCharacters: "takes all unreserved characters in a verifier, and no others (§4.1)",
  mismatch: "refuses a verifier that does not fit with invalid_grant (§4.6)",
  missing: "refuses a request without a verifier (§4.5, OAuth 2.1 §4.1.3)",
  challengeAsVerifier: "does not take the challenge for the verifier (§4.6)",
  announced: "announces S256 and nothing else (RFC 8414 §2)",
} as const;

const facade = useFacade();

const codeFor = (verifier: string) =>
  facade.client.code("alice", {
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
  });

holdsEvery("RFC 7636, PKCE", RULES, {
  async required() {
    const url = facade.client.authorizationUrl({ code_challenge: undefined });
    expect(answerTo(REDIRECT_URI, await facade.app.fetch(url))).toMatchObject({
      error: "invalid_request",
      error_description: expect.stringContaining("code_challenge") as string,
    });
  },
  async s256Only() {
    for (const method of ["plain", undefined, "s256", "S512"]) {
      const url = facade.client.authorizationUrl({ code_challenge_method: method });
      expect(answerTo(REDIRECT_URI, await facade.app.fetch(url))).toMatchObject({
        error: "invalid_request",
      });
    }
  },
  async challengeSyntax() {
    for (const challenge of ["A".repeat(42), "A".repeat(44), `${"A".repeat(42)}+`]) {
      const url = facade.client.authorizationUrl({ code_challenge: challenge });
      expect(answerTo(REDIRECT_URI, await facade.app.fetch(url))).toMatchObject({
        error: "invalid_request",
      });
    }
  },
  async appendixB() {
    const code = await facade.client.code("alice", {
      code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    });
    const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    expect((await facade.client.redeem(code, { code_verifier: verifier })).status).toBe(200);
  },
  async verifierLength() {
    for (const length of [43, 128]) {
      const verifier = "v".repeat(length);
      const code = await codeFor(verifier);
      expect((await facade.client.redeem(code, { code_verifier: verifier })).status).toBe(200);
    }
    for (const length of [42, 129]) {
      const verifier = "v".repeat(length);
      const answer = await facade.client.redeem(await codeFor(verifier), {
        code_verifier: verifier,
      });
      expect(await refusalOf(answer)).toBe("400 invalid_request");
    }
  },
  async verifierCharacters() {
    const good = `${"v".repeat(43)}-._~09AZaz`;
    const answer = await facade.client.redeem(await codeFor(good), { code_verifier: good });
    expect(answer.status).toBe(200);
    for (const character of ["+", "/", "=", " ", "é"]) {
      const bad = "v".repeat(43) + character;
      const refused = await facade.client.redeem(await codeFor(bad), { code_verifier: bad });
      expect(await refusalOf(refused)).toBe("400 invalid_request");
    }
  },
  async mismatch() {
    const code = await facade.client.code();
    const answer = await facade.client.redeem(code, { code_verifier: "w".repeat(43) });
    expect(await refusalOf(answer)).toBe("400 invalid_grant");
  },
  async missing() {
    const code = await facade.client.code();
    const answer = await facade.client.redeem(code, { code_verifier: undefined });
    expect(await refusalOf(answer)).toBe("400 invalid_request");
  },
  async challengeAsVerifier() {
    const code = await facade.client.code();
    const answer = await facade.client.redeem(code, { code_verifier: facade.client.challenge });
    expect(await refusalOf(answer)).toBe("400 invalid_grant");
    await expectPage(await facade.app.fetch(facade.client.authorizationUrl()), 200);
  },
  async announced() {
    const metadata = await jsonOf(await facade.get("/.well-known/oauth-authorization-server"));
    expect(metadata["code_challenge_methods_supported"]).toEqual(["S256"]);
  },
});
