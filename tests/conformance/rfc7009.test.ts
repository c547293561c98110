import { expect, vi } from "vitest";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { holdsEvery } from "../support/rules.ts";

const RULES = {
  announced: "is announced in the metadata, with how clients authenticate (RFC 8414 §2)",
  postForm: "takes a form by POST only (§2.1)",
  tokenRequired: "requires the token parameter (§2.1)",
  noQuery: "takes no token from the URL (§2.1)",
  clientRequired: "requires the client to name itself (§2.1)",
  clientKnown: "answers 401 invalid_client to an unknown client (§2.1)",
  refreshToken: "revokes refresh tokens (§2.1)",
  accessToken: "revokes access tokens (§2.1)",
  wholeGrant: "invalidates the access tokens of a refresh token's grant (§2.1)",
  grantOfAccess: "invalidates the refresh token of an access token's grant (§2.1)",
  immediately: "invalidates at once (§2.1)",
  ownOnly: "refuses a token that was issued to another client, and revokes nothing (§2.1)",
  hintOptional: "finds a token without a hint (§2.1)",
  hintWrong: "finds a token in spite of a wrong hint (§2.1)",
  hintUnknown: "ignores a hint that it does not know (§2.1)",
  ok: "answers 200 without a body that means anything (§2.2)",
  unknownToken: "answers 200 to a token that is not valid (§2.2)",
  twice: "answers 200 to a token that is revoked already (§2.2)",
  unavailable: "answers 503 while it cannot revoke, so that the client tries again (§2.2.1)",
  errors: "answers errors as JSON that may not be stored (§2.2.1, RFC 6749 §5.2)",
  cors: "may be called by web pages (§2.3)",
} as const;

const facade = useFacade();

const revoke = (fields: Record<string, string | undefined>, path = "/revoke") =>
  facade.client.postForm(path, { client_id: facade.client.id, ...fields });

const lives = async (accessToken: string) => (await facade.sseStatus(accessToken)) === 200;

const refreshes = async (refreshToken: string) =>
  (await facade.client.refresh(refreshToken)).status === 200;

holdsEvery("RFC 7009", RULES, {
  async announced() {
    for (const document of ["oauth-authorization-server", "openid-configuration"]) {
      const metadata = await jsonOf(await facade.get(`/.well-known/${document}`));
      expect(metadata["revocation_endpoint"]).toBe(`${facade.app.baseUrl}/revoke`);
      expect(metadata["revocation_endpoint_auth_methods_supported"]).toEqual(
        metadata["token_endpoint_auth_methods_supported"],
      );
    }
  },
  async postForm() {
    const get = await facade.get("/revoke?token=x");
    expect(get.status).toBe(405);
    expect(get.headers.get("allow")).toBe("POST, OPTIONS");
    const json = await facade.client.postJson("/revoke", { token: "x" });
    expect(json.status).toBe(415);
  },
  async tokenRequired() {
    expect(await refusalOf(await revoke({}))).toBe("400 invalid_request");
    expect(await refusalOf(await revoke({ token: "" }))).toBe("400 invalid_request");
  },
  async noQuery() {
    const { refresh_token: token } = await facade.client.tokens();
    const answer = await revoke({}, `/revoke?token=${token}`);
    expect(await refusalOf(answer)).toBe("400 invalid_request");
    expect(await refreshes(token)).toBe(true);
  },
  async clientRequired() {
    const { refresh_token: token } = await facade.client.tokens();
    const answer = await revoke({ token, client_id: undefined });
    expect(await refusalOf(answer)).toBe("401 invalid_client");
    expect(await refreshes(token)).toBe(true);
  },
  async clientKnown() {
    const { refresh_token: token } = await facade.client.tokens();
    const answer = await revoke({ token, client_id: "x".repeat(22) });
    expect(await refusalOf(answer)).toBe("401 invalid_client");
    expect(await refreshes(token)).toBe(true);
  },
  async refreshToken() {
    const { refresh_token: token } = await facade.client.tokens();
    expect((await revoke({ token, token_type_hint: "refresh_token" })).status).toBe(200);
    expect(await refreshes(token)).toBe(false);
  },
  async accessToken() {
    const { access_token: token } = await facade.client.tokens();
    expect((await revoke({ token, token_type_hint: "access_token" })).status).toBe(200);
    expect(await lives(token)).toBe(false);
  },
  async wholeGrant() {
    const first = await facade.client.tokens();
    const second = await jsonOf(await facade.client.refresh(first.refresh_token));
    await revoke({ token: String(second["refresh_token"]) });
    expect(await lives(first.access_token)).toBe(false);
    expect(await lives(String(second["access_token"]))).toBe(false);
  },
  async grantOfAccess() {
    const { access_token: token, refresh_token: refreshToken } = await facade.client.tokens();
    await revoke({ token });
    expect(await refreshes(refreshToken)).toBe(false);
  },
  async immediately() {
    const { access_token: token } = await facade.client.tokens();
    expect(await lives(token)).toBe(true); // and is remembered to live
    await revoke({ token });
    expect(await lives(token)).toBe(false);
  },
  async ownOnly() {
    const tokens = await facade.client.tokens();
    const stranger = await facade.stranger();
    for (const token of [tokens.refresh_token, tokens.access_token]) {
      const answer = await revoke({ token, client_id: stranger.id });
      expect(await refusalOf(answer)).toBe("400 invalid_request");
    }
    expect(await lives(tokens.access_token)).toBe(true);
    expect(await refreshes(tokens.refresh_token)).toBe(true);
  },
  async hintOptional() {
    for (const kind of ["refresh_token", "access_token"] as const) {
      const tokens = await facade.client.tokens();
      await revoke({ token: tokens[kind] });
      expect(await lives(tokens.access_token)).toBe(false);
    }
  },
  async hintWrong() {
    for (const kind of ["refresh_token", "access_token"] as const) {
      const tokens = await facade.client.tokens();
      const hint = kind === "access_token" ? "refresh_token" : "access_token";
      expect((await revoke({ token: tokens[kind], token_type_hint: hint })).status).toBe(200);
      expect(await lives(tokens.access_token)).toBe(false);
    }
  },
  async hintUnknown() {
    const { access_token: token } = await facade.client.tokens();
    expect((await revoke({ token, token_type_hint: "saml" })).status).toBe(200);
    expect(await lives(token)).toBe(false);
  },
  async ok() {
    const { access_token: token } = await facade.client.tokens();
    const answer = await revoke({ token });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  },
  async unknownToken() {
    const { access_token: token, refresh_token: refreshToken } = await facade.client.tokens();
    const forged = [`${refreshToken.slice(0, -1)}_`, `${token.slice(0, -8)}AAAAAAAA`];
    for (const each of ["x", "a.b.c", "r1.......", "\u{1f511}", ...forged]) {
      expect((await revoke({ token: each })).status).toBe(200);
    }
    expect(await lives(token)).toBe(true);
  },
  async twice() {
    const { access_token: token, refresh_token: refreshToken } = await facade.client.tokens();
    for (const each of [token, token, refreshToken, refreshToken]) {
      expect((await revoke({ token: each })).status).toBe(200);
    }
  },
  async unavailable() {
    const { access_token: token } = await facade.client.tokens();
    vi.spyOn(facade.app.store, "delete").mockRejectedValue(new StorageUnavailable("away"));
    const answer = await revoke({ token });
    expect(await refusalOf(answer)).toBe("503 temporarily_unavailable");
    expect(answer.headers.get("retry-after")).not.toBeNull();
  },
  async errors() {
    const answer = await revoke({});
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await jsonOf(answer)).toMatchObject({ error: "invalid_request" });
  },
  async cors() {
    const answer = await revoke({ token: "x" });
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  },
});
