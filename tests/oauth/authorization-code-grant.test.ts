import { describe, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";

const facade = useFacade();

type Changes = Record<string, string | undefined>;

/** Another app's guess at a code: everything right but what `changes` say. */
const guess = async (code: string, changes: Changes) =>
  refusalOf(await facade.client.redeem(code, changes));

const redeemed = async (code: string) =>
  (await jsonOf(await facade.client.redeem(code))) as TokenResponse;

describe("the authorization code grant", () => {
  it("returns a Bearer token, its lifetime, its scopes and a refresh token (RFC 6749 §5.1)", async () => {
    const response = await facade.client.redeem(await facade.client.code());
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("pragma")).toBe("no-cache");
    expect(await jsonOf(response)).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/) as string,
      token_type: "Bearer",
      expires_in: 3_600,
      refresh_token: expect.stringMatching(/^r1\./) as string,
      scope: "mcp user.read calendar.read",
    });
  });

  it("rejects a code used twice (RFC 6749 §4.1.2)", async () => {
    const code = await facade.client.code();
    expect((await facade.client.redeem(code)).status).toBe(200);
    expect(await guess(code, {})).toBe("400 invalid_grant");
  });

  it("gives tokens once when a code is redeemed twice at the same time, and keeps those", async () => {
    const code = await facade.client.code();
    const answers = await Promise.all(Array.from({ length: 5 }, () => facade.client.redeem(code)));
    const good = answers.filter(({ status }) => status === 200);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      200, 400, 400, 400, 400,
    ]);
    const tokens = (await good[0]?.json()) as TokenResponse;
    expect(await facade.sseStatus(tokens.access_token)).toBe(200);
    expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it("takes a second post that was on its way before the code was redeemed for no replay", async () => {
    const code = await facade.client.code();
    const tokens = await redeemed(code);
    // The clock stands still: this request started no later than the first was answered.
    expect(await guess(code, {})).toBe("400 invalid_grant");
    expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it("revokes what a code gave when the code comes again later (OAuth 2.1 §4.1.3)", async () => {
    const code = await facade.client.code();
    const tokens = await redeemed(code);
    expect(await facade.sseStatus(tokens.access_token)).toBe(200);
    facade.app.clock.advance({ seconds: 1 });
    expect(await guess(code, {})).toBe("400 invalid_grant");
    expect(await refusalOf(await facade.client.refresh(tokens.refresh_token))).toBe(
      "400 invalid_grant",
    );
    expect(await facade.sseStatus(tokens.access_token)).toBe(401);
  });

  it.each<[string, Changes]>([
    ["another verifier (RFC 7636 §4.6)", { code_verifier: "v".repeat(43) }],
    ["another redirect URI (RFC 6749 §4.1.3)", { redirect_uri: `${REDIRECT_URI}/more` }],
    ["another port", { redirect_uri: "http://localhost:33419/callback" }],
    ["a code that nobody issued", { code: `abc.${"A".repeat(43)}` }],
    ["text for a code", { code: "../../keys" }],
  ])("refuses %s with invalid_grant, and the code is still good", async (_what, changes) => {
    const code = await facade.client.code();
    expect(await guess(code, changes)).toBe("400 invalid_grant");
    await redeemed(code);
  });

  it.each<[string, Changes]>([
    ["no code", { code: undefined }],
    ["an empty code", { code: "" }],
    ["no verifier (RFC 7636 §4.5)", { code_verifier: undefined }],
    ["a verifier of 42 characters (RFC 7636 §4.1)", { code_verifier: "v".repeat(42) }],
    ["a verifier of 129 characters", { code_verifier: "v".repeat(129) }],
    ["a verifier with a space", { code_verifier: "v".repeat(42) + " " }],
  ])("refuses %s with invalid_request, and the code is still good", async (_what, changes) => {
    const code = await facade.client.code();
    expect(await guess(code, changes)).toBe("400 invalid_request");
    await redeemed(code);
  });

  it("needs no redirect URI: PKCE ties the code to the client (OAuth 2.1 §4.1.3)", async () => {
    const code = await facade.client.code();
    expect((await facade.client.redeem(code, { redirect_uri: undefined })).status).toBe(200);
  });

  it("refuses another client's guess, which neither uses nor revokes anything", async () => {
    const stranger = await facade.stranger();
    const code = await facade.client.code();
    const steal = () => stranger.redeem(code, { code_verifier: facade.client.verifier });
    expect(await refusalOf(await steal())).toBe("400 invalid_grant");
    const tokens = await redeemed(code);
    facade.app.clock.advance({ seconds: 1 });
    expect(await refusalOf(await steal())).toBe("400 invalid_grant");
    expect(await guess(code, { code_verifier: "v".repeat(43) })).toBe("400 invalid_grant");
    expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(200);
  });

  it("redeems a code for 60 seconds", async () => {
    const [inTime, tooLate] = [await facade.client.code(), await facade.client.code()];
    facade.app.clock.advance({ seconds: 59 });
    await redeemed(inTime);
    facade.app.clock.advance({ seconds: 1 });
    expect(await guess(tooLate, {})).toBe("400 invalid_grant");
  });
});

describe("the resource of a code (RFC 8707 §2.2)", () => {
  const SSE = "http://localhost:7071/sse";

  it.each([
    ["another resource of ours", "http://localhost:7071"],
    ["a foreign resource", "https://graph.microsoft.com"],
    ["text", "sse"],
  ])("refuses %s with invalid_target, and the code is still good", async (_what, resource) => {
    const code = await facade.client.code();
    expect(await guess(code, { resource })).toBe("400 invalid_target");
    await redeemed(code);
  });

  it("refuses two resources with invalid_target", async () => {
    const form = new URLSearchParams({
      grant_type: "authorization_code",
      client_id: facade.client.id,
      redirect_uri: REDIRECT_URI,
      code: await facade.client.code(),
      code_verifier: facade.client.verifier,
      resource: SSE,
    });
    form.append("resource", SSE);
    const response = await facade.app.fetch(`${facade.app.baseUrl}/token`, {
      method: "POST",
      body: form,
    });
    expect(await refusalOf(response)).toBe("400 invalid_target");
  });

  it("accepts the resource of the grant, or one of a grant for the whole server", async () => {
    const same = await facade.client.redeem(await facade.client.code(), { resource: SSE });
    expect(same.status).toBe(200);
    const other = await new OAuthTestClient(facade.app.baseUrl, facade.app.fetch).register();
    const code = await other.code("bob", { resource: undefined });
    expect((await other.redeem(code, { resource: SSE })).status).toBe(200);
  });
});
