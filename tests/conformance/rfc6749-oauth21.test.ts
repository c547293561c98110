import { expect } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { answerOnPage, answerTo, expectPage, jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";
import { holdsEvery } from "../support/rules.ts";
import { signIn } from "../support/sign-in.ts";
import { createTestApp } from "../support/test-app.ts";

const RULES = {
  getAuthorize: "supports GET at the authorization endpoint (RFC 6749 §3.1)",
  emptyIsAbsent: "takes a parameter without a value for an absent one (RFC 6749 §3.1, §3.2)",
  unknownIgnored: "ignores parameters that it does not know (RFC 6749 §3.1, §3.2)",
  noRepetition: "refuses a parameter that comes twice (RFC 6749 §3.1, §3.2)",
  responseType: "refuses response types other than code (OAuth 2.1 §4.1.1)",
  redirectExact: "compares redirect URIs character by character (OAuth 2.1 §2.3.1)",
  loopbackPort:
    "lets the port of a loopback redirect URI vary, and nothing else (OAuth 2.1 §8.4.2)",
  noOpenRedirector: "redirects nowhere for a wrong client or redirect URI (RFC 6749 §4.1.2.1)",
  faultRedirected:
    "redirects with the error to a program of the person's machine (RFC 6749 §4.1.2.1)",
  faultOnPage:
    "shows the error on a page with a link to the client where anybody could have registered the site " +
    "(deviates from RFC 6749 §4.1.2.1 for RFC 9700 §4.11.2: ADR 13)",
  keepsQuery: "keeps the query of a redirect URI (RFC 6749 §3.1.2)",
  stateReturned: "returns state exactly as it came (RFC 6749 §4.1.2)",
  stateAbsent: "returns no state where none came (RFC 6749 §4.1.2)",
  noImplicit: "gives no token at the authorization endpoint (OAuth 2.1 §10.1)",
  postOnly: "takes token requests by POST only (RFC 6749 §3.2)",
  formOnly: "takes token requests as a form only (RFC 6749 §4.1.3)",
  noQuery: "takes no token parameters from the URL (OAuth 2.1 §3.2)",
  codeOnce: "rejects a code used twice (RFC 6749 §4.1.2)",
  codeReplay: "revokes what a code gave when it is replayed (OAuth 2.1 §4.1.3)",
  codeShortLived: "gives codes that live ten minutes at most: one (RFC 6749 §4.1.2)",
  codeClient: "binds a code to its client (RFC 6749 §4.1.3)",
  codeRedirect: "binds a code to its redirect URI, where the client names one (RFC 6749 §4.1.3)",
  tokenAnswer: "answers with token_type, expires_in and scope (RFC 6749 §5.1)",
  noStore: "forbids storing token answers (RFC 6749 §5.1)",
  errorAnswer: "answers errors as JSON in the allowed characters (RFC 6749 §5.2)",
  ownFaults:
    "answers 503 temporarily_unavailable and 429 too_many_requests (deviates from RFC 6749 §5.2, which knows neither: ADR 17)",
  invalidClient: "answers 401 invalid_client to an unknown client (RFC 6749 §5.2)",
  basicTried: "names a scheme to a client that tried Authorization (RFC 6749 §5.2)",
  unsupportedGrant: "refuses passwords and client credentials (OAuth 2.1 §10.1)",
  refreshRotates: "rotates the refresh tokens of public clients (OAuth 2.1 §4.3.1)",
  refreshReuse: "revokes the family when a refresh token is reused (OAuth 2.1 §4.3.1)",
  refreshRetry:
    "gives the token that was replaced the same answer again for 60 seconds (deviates from OAuth 2.1 §4.3.1: ADR 11)",
  refreshClient: "binds a refresh token to its client (RFC 6749 §6)",
  refreshScope: "refuses a scope beyond the grant, and gives less when asked (RFC 6749 §6)",
} as const;

const facade = useFacade();

const authorize = async (changes: Record<string, string | undefined>) =>
  facade.app.fetch(facade.client.authorizationUrl(changes));

const redeemed = async (code: string) =>
  (await jsonOf(await facade.client.redeem(code))) as TokenResponse;

holdsEvery("RFC 6749 and OAuth 2.1", RULES, {
  async getAuthorize() {
    await expectPage(await authorize({}), 200);
  },
  async emptyIsAbsent() {
    await expectPage(await authorize({ scope: "", resource: "", state: "" }), 200);
    const answer = await facade.client.redeem("", {});
    expect(await refusalOf(answer)).toBe("400 invalid_request");
  },
  async unknownIgnored() {
    await expectPage(await authorize({ nonce: "n", display: "popup", future: "1" }), 200);
    const answer = await facade.client.redeem(await facade.client.code(), { future: "1" });
    expect(answer.status).toBe(200);
  },
  async noRepetition() {
    const url = facade.client.authorizationUrl();
    url.searchParams.append("code_challenge", facade.client.challenge);
    expect(answerTo(REDIRECT_URI, await facade.app.fetch(url))).toMatchObject({
      error: "invalid_request",
    });
    const body = `grant_type=refresh_token&client_id=${facade.client.id}&client_id=x`;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const token = `${facade.app.baseUrl}/token`;
    const answer = await facade.app.fetch(token, { method: "POST", headers, body });
    expect(await refusalOf(answer)).toBe("400 invalid_request");
  },
  async responseType() {
    for (const type of ["token", "id_token", "code token", "none"]) {
      expect(answerTo(REDIRECT_URI, await authorize({ response_type: type }))).toMatchObject({
        error: "unsupported_response_type",
      });
    }
  },
  async redirectExact() {
    await facade.client.register({ redirect_uris: ["https://app.example/cb"] });
    for (const uri of [
      "https://app.example/CB",
      "https://app.example:443/cb",
      "https://app.example/cb/",
    ]) {
      await expectPage(await authorize({ redirect_uri: uri }), 400);
    }
    await expectPage(await authorize({ redirect_uri: "https://app.example/cb" }), 200);
  },
  async loopbackPort() {
    await expectPage(await authorize({ redirect_uri: "http://localhost:1/callback" }), 200);
    await expectPage(await authorize({ redirect_uri: "http://localhost:1/other" }), 400);
    await expectPage(await authorize({ redirect_uri: "http://127.0.0.1:1/callback" }), 400);
  },
  async noOpenRedirector() {
    await expectPage(await authorize({ client_id: "AAAAAAAAAAAAAAAAAAAAAA" }), 400);
    await expectPage(await authorize({ redirect_uri: "https://evil.example/" }), 400);
  },
  async faultRedirected() {
    for (const uri of [REDIRECT_URI, "cursor://app/cb"]) {
      await facade.client.register({ redirect_uris: [uri] });
      const answer = await authorize({ redirect_uri: uri, response_type: "token" });
      expect(answerTo(uri, answer)).toMatchObject({ error: "unsupported_response_type" });
    }
  },
  async faultOnPage() {
    const uri = "https://app.example/cb";
    await facade.client.register({ redirect_uris: [uri] });
    const answer = await authorize({ redirect_uri: uri, response_type: "token" });
    expect(await answerOnPage(uri, answer)).toMatchObject({ error: "unsupported_response_type" });
  },
  async keepsQuery() {
    const uri = `${REDIRECT_URI}?a=1&b=%20`;
    await facade.client.register({ redirect_uris: [uri] });
    const answer = await authorize({ redirect_uri: uri, prompt: "none" });
    expect(answer.headers.get("location")?.startsWith(`${uri}&error=`)).toBe(true);
    const back = await signIn(
      facade.browser(),
      facade.client.authorizationUrl({ redirect_uri: uri }),
      "alice",
    );
    expect(back.href.startsWith(`${uri}&code=`)).toBe(true);
  },
  async stateReturned() {
    const state = "a b+c%26&=é";
    expect(answerTo(REDIRECT_URI, await authorize({ state, prompt: "none" }))).toMatchObject({
      state,
    });
  },
  async stateAbsent() {
    const answer = answerTo(REDIRECT_URI, await authorize({ state: undefined, prompt: "none" }));
    expect(answer).not.toHaveProperty("state");
  },
  async noImplicit() {
    const answer = answerTo(REDIRECT_URI, await authorize({ response_type: "token" }));
    expect(answer).not.toHaveProperty("access_token");
  },
  async postOnly() {
    expect((await facade.get("/token?grant_type=refresh_token")).status).toBe(405);
  },
  async formOnly() {
    const answer = await facade.client.postJson("/token", { grant_type: "refresh_token" });
    expect(answer.status).toBe(415);
  },
  async noQuery() {
    const answer = await facade.client.postForm("/token?grant_type=password", {});
    expect(await refusalOf(answer)).toBe("400 invalid_request");
  },
  async codeOnce() {
    const code = await facade.client.code();
    await redeemed(code);
    expect(await refusalOf(await facade.client.redeem(code))).toBe("400 invalid_grant");
  },
  async codeReplay() {
    const code = await facade.client.code();
    const tokens = await redeemed(code);
    facade.app.clock.advance({ seconds: 1 });
    await facade.client.redeem(code);
    expect(await facade.sseStatus(tokens.access_token)).toBe(401);
    expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(400);
  },
  async codeShortLived() {
    const code = await facade.client.code();
    facade.app.clock.advance({ seconds: 60 });
    expect(await refusalOf(await facade.client.redeem(code))).toBe("400 invalid_grant");
  },
  async codeClient() {
    const stranger = await facade.stranger();
    const code = await facade.client.code();
    const verifier = facade.client.verifier;
    const answer = await stranger.redeem(code, { code_verifier: verifier });
    expect(await refusalOf(answer)).toBe("400 invalid_grant");
  },
  async codeRedirect() {
    const code = await facade.client.code();
    const answer = await facade.client.redeem(code, {
      redirect_uri: "http://localhost:1/callback",
    });
    expect(await refusalOf(answer)).toBe("400 invalid_grant");
  },
  async tokenAnswer() {
    expect(await redeemed(await facade.client.code())).toMatchObject({
      token_type: "Bearer",
      expires_in: 3_600,
      scope: "mcp user.read calendar.read",
    });
  },
  async noStore() {
    const answer = await facade.client.redeem(await facade.client.code());
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("pragma")).toBe("no-cache");
  },
  async errorAnswer() {
    const { client } = facade;
    const answers = [
      await client.postForm("/token", {}),
      await client.redeem("x"),
      await client.refresh("x"),
      await client.redeem(await client.code(), { resource: "x" }),
      await client.postForm("/token", { grant_type: '"\\' }),
      await client.postJson("/register", { redirect_uris: ['"\\'] }),
      await client.postJson("/register", { redirect_uris: 7 }),
      await client.postJson("/register", []),
    ];
    for (const answer of answers) {
      const { error, error_description } = await jsonOf(answer);
      expect(error).toMatch(/^[a-z_]+$/);
      expect(error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
    }
  },
  async ownFaults() {
    const { refresh_token: token } = await facade.client.tokens();
    for (const fault of [{ down: true }, { down: false, tokenFault: 7_000_222 as const }]) {
      facade.entra.set(fault);
      const answer = await facade.client.refresh(token);
      expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
      expect(await refusalOf(answer)).toBe("503 temporarily_unavailable");
    }
    const { baseUrl, fetch } = createTestApp({ env: { RATE_LIMIT_FACTOR: "0.0001" } });
    const client = new OAuthTestClient(baseUrl, fetch);
    await client.refresh("x");
    expect(await refusalOf(await client.refresh("x"))).toBe("429 too_many_requests");
  },
  async invalidClient() {
    const answer = await facade.client.refresh("x", { client_id: "AAAAAAAAAAAAAAAAAAAAAA" });
    expect(await refusalOf(answer)).toBe("401 invalid_client");
  },
  async basicTried() {
    const answer = await facade.app.fetch(`${facade.app.baseUrl}/token`, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: `Basic ${btoa("a:b")}`,
      },
      body: "grant_type=refresh_token",
    });
    expect(answer.headers.get("www-authenticate")).toMatch(/^Basic /);
    expect(await refusalOf(answer)).toBe("401 invalid_client");
  },
  async unsupportedGrant() {
    for (const type of ["password", "client_credentials", "implicit"]) {
      const answer = await facade.client.postForm("/token", { grant_type: type });
      expect(await refusalOf(answer)).toBe("400 unsupported_grant_type");
    }
  },
  async refreshRotates() {
    const first = await facade.client.tokens();
    const second = await jsonOf(await facade.client.refresh(first.refresh_token));
    expect(second["refresh_token"]).not.toBe(first.refresh_token);
  },
  async refreshReuse() {
    const first = await facade.client.tokens();
    const second = (await jsonOf(
      await facade.client.refresh(first.refresh_token),
    )) as TokenResponse;
    facade.app.clock.advance({ seconds: 61 });
    await facade.client.refresh(first.refresh_token);
    expect((await facade.client.refresh(second.refresh_token)).status).toBe(400);
  },
  async refreshRetry() {
    const { refresh_token: first } = await facade.client.tokens();
    const answer = await jsonOf(await facade.client.refresh(first));
    facade.app.clock.advance({ seconds: 60 });
    expect(await jsonOf(await facade.client.refresh(first))).toEqual(answer);
  },
  async refreshClient() {
    const { refresh_token: token } = await facade.client.tokens();
    const answer = await (await facade.stranger()).refresh(token);
    expect(await refusalOf(answer)).toBe("400 invalid_grant");
  },
  async refreshScope() {
    const { refresh_token: token } = await facade.client.tokens("alice", {
      scope: "mcp user.read",
    });
    const more = await facade.client.refresh(token, { scope: "mcp calendar.read" });
    expect(await refusalOf(more)).toBe("400 invalid_scope");
    const less = await facade.client.refresh(token, { scope: "mcp" });
    expect(await jsonOf(less)).toMatchObject({ scope: "mcp" });
  },
});
