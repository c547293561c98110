import { decodeJwt } from "jose";
import { expect } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { answerTo, expectPage, jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { REDIRECT_URI } from "../support/oauth-client.ts";
import { resign } from "../support/resign.ts";
import { holdsEvery } from "../support/rules.ts";
import { approve } from "../support/sign-in.ts";

const RULES = {
  audience: "makes the resource of the authorization request the audience of the token (§2)",
  compared: "compares resources as URLs: an empty path is a slash (§2, RFC 3986 §6.2.3)",
  absent: "takes the whole server for the resource where none is named (§2)",
  fragment: "refuses a resource with a fragment (§2)",
  relative: "refuses a resource that is no absolute URI (§2)",
  foreign: "refuses a foreign resource at /authorize with invalid_target (§2)",
  several: "refuses several resources with invalid_target (§2)",
  tokenAbsent: "takes the grant's resource where a token request names none (§2.2)",
  tokenNarrow:
    "gives one resource of a grant for the whole server, with code and refresh token (§2.2)",
  tokenOther: "refuses a resource beyond the grant with invalid_target (§2.2)",
  refreshKeepsGrant: "keeps the grant when one access token is narrower (§2.2)",
  notForwarded: "never sends a resource to Entra (AADSTS9010010)",
  enforced: "accepts a token at the resources of its audience only (§5)",
} as const;

const BASE = "http://localhost:7071";
const SSE = `${BASE}/sse`;
const facade = useFacade();

const audienceOf = (tokens: TokenResponse) => decodeJwt(tokens.access_token).aud;
const refused = async (resource: string, more: readonly string[] = []) => {
  const url = facade.client.authorizationUrl({ resource });
  for (const another of more) url.searchParams.append("resource", another);
  return answerTo(REDIRECT_URI, await facade.app.fetch(url))["error"];
};

holdsEvery("RFC 8707, resource indicators", RULES, {
  async audience() {
    expect(audienceOf(await facade.client.tokens("alice", { resource: SSE }))).toBe(SSE);
    expect(audienceOf(await facade.client.tokens("alice", { resource: BASE }))).toBe(BASE);
  },
  async compared() {
    expect(audienceOf(await facade.client.tokens("alice", { resource: `${BASE}/` }))).toBe(BASE);
    const upper = "HTTP://LocalHost:7071/sse";
    expect(audienceOf(await facade.client.tokens("alice", { resource: upper }))).toBe(SSE);
    expect(await refused(`${BASE}/SSE`)).toBe("invalid_target");
  },
  async absent() {
    expect(audienceOf(await facade.client.tokens("alice", { resource: undefined }))).toBe(BASE);
  },
  async fragment() {
    expect(await refused(`${SSE}#x`)).toBe("invalid_target");
  },
  async relative() {
    expect(await refused("/sse")).toBe("invalid_target");
  },
  async foreign() {
    for (const resource of [
      "https://graph.microsoft.com",
      "http://localhost:7072/sse",
      `${BASE}/x`,
    ]) {
      expect(await refused(resource)).toBe("invalid_target");
    }
  },
  async several() {
    expect(await refused(SSE, [BASE])).toBe("invalid_target");
    expect(await refused(SSE, [SSE])).toBe("invalid_target");
  },
  async tokenAbsent() {
    const code = await facade.client.code("alice", { resource: SSE });
    const tokens = (await jsonOf(await facade.client.redeem(code))) as TokenResponse;
    expect(audienceOf(tokens)).toBe(SSE);
  },
  async tokenNarrow() {
    const code = await facade.client.code("alice", { resource: BASE });
    const answer = await facade.client.redeem(code, { resource: SSE });
    const tokens = (await jsonOf(answer)) as TokenResponse;
    expect(audienceOf(tokens)).toBe(SSE);
    const again = await facade.client.refresh(tokens.refresh_token, { resource: SSE });
    expect(audienceOf((await jsonOf(again)) as TokenResponse)).toBe(SSE);
  },
  async tokenOther() {
    const code = await facade.client.code("alice", { resource: SSE });
    const wide = await facade.client.redeem(code, { resource: BASE });
    expect(await refusalOf(wide)).toBe("400 invalid_target");
    const tokens = (await jsonOf(await facade.client.redeem(code))) as TokenResponse;
    const later = await facade.client.refresh(tokens.refresh_token, { resource: BASE });
    expect(await refusalOf(later)).toBe("400 invalid_target");
  },
  async refreshKeepsGrant() {
    const first = await facade.client.tokens("alice", { resource: BASE });
    const narrow = await facade.client.refresh(first.refresh_token, { resource: SSE });
    const { refresh_token: next } = (await jsonOf(narrow)) as TokenResponse;
    expect(audienceOf((await jsonOf(await facade.client.refresh(next))) as TokenResponse)).toBe(
      BASE,
    );
  },
  async notForwarded() {
    const url = await approve(facade.browser(), facade.client.authorizationUrl({ resource: SSE }));
    expect(url.origin).toBe(facade.entra.url);
    expect(url.searchParams.has("resource")).toBe(false);
    await expectPage(await facade.app.fetch(facade.client.authorizationUrl()), 200);
  },
  async enforced() {
    for (const resource of [BASE, SSE]) {
      const tokens = await facade.client.tokens("alice", { resource });
      expect(await facade.sseStatus(tokens.access_token)).toBe(200);
    }
    const { access_token: token } = await facade.client.tokens();
    const foreign = await resign(facade.app, token, { aud: "https://other.example/sse" });
    expect(await facade.sseStatus(foreign)).toBe(401);
  },
});
