import { expect } from "vitest";
import { useFacade } from "../support/facade.ts";
import { EventStream } from "../support/open-stream.ts";
import { resign } from "../support/resign.ts";
import { holdsEvery } from "../support/rules.ts";

const RULES = {
  header: "takes a token from the Authorization header (§2.1)",
  scheme: "takes the scheme in any capitals, and no other scheme (RFC 9110 §11.1)",
  notQuery: "takes no token from the URL (§2.3, MCP 2025-11-25)",
  notForm: "takes no token from a body (§2.2)",
  noToken: "answers 401 with a challenge and no error code to a caller without a token (§3.1)",
  invalidToken: "answers 401 invalid_token to a token that is none of ours (§3.1)",
  expired: "answers 401 invalid_token to an expired token, with that token's scopes (§3.1)",
  ended: "answers 401 invalid_token once the session has ended (§3.1)",
  insufficientScope:
    "answers a call beyond the token's scope on the stream, and not with 403 (deviates from §3.1: ADR 12)",
  scope: "names the scopes to ask for in the challenge (§3)",
  characters: "writes a challenge that a strict parser reads (§3)",
  noStore: "forbids storing the refusal (§5.3)",
} as const;

const facade = useFacade();

const sse = (headers: Record<string, string> = {}, query = "") =>
  facade.get(`/sse${query}`, headers);
const token = async () => (await facade.client.tokens()).access_token;
const status = async (authorization: string) => {
  const response = await sse({ authorization });
  await response.body?.cancel();
  return response.status;
};

/** @returns The parameters of a Bearer challenge. @throws where it is not written as RFC 9110 §11 has it */
function challenge(response: Response): Record<string, string> {
  expect(response.status).toBe(401);
  const header = response.headers.get("www-authenticate") ?? "";
  expect(header).toMatch(/^Bearer (?:[a-z_]+="[\x20-\x21\x23-\x5b\x5d-\x7e]*"(?:, |$))+$/);
  return Object.fromEntries(
    [...header.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
  );
}

holdsEvery("RFC 6750, bearer tokens", RULES, {
  async header() {
    expect(await status(`Bearer ${await token()}`)).toBe(200);
  },
  async scheme() {
    const good = await token();
    expect(await status(`bearer ${good}`)).toBe(200);
    expect(await status(`BEARER ${good}`)).toBe(200);
    for (const wrong of [`Basic ${good}`, `DPoP ${good}`, good, `Bearer ${good} x`, "Bearer"]) {
      expect(await status(wrong)).toBe(401);
    }
  },
  async notQuery() {
    challenge(await sse({}, `?access_token=${await token()}`));
  },
  async notForm() {
    const response = await facade.client.postForm("/message?connection=x", {
      access_token: await token(),
    });
    challenge(response);
  },
  async noToken() {
    expect(challenge(await sse())).not.toHaveProperty("error");
  },
  async invalidToken() {
    for (const text of ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."]) {
      expect(challenge(await sse({ authorization: `Bearer ${text}` }))).toMatchObject({
        error: "invalid_token",
        scope: "mcp user.read calendar.read",
      });
    }
  },
  async expired() {
    const tokens = await facade.client.tokens("alice", { scope: "mcp" });
    facade.app.clock.advance({ seconds: 3_600 });
    const response = await sse({ authorization: `Bearer ${tokens.access_token}` });
    expect(challenge(response)).toMatchObject({ error: "invalid_token", scope: "mcp" });
  },
  async ended() {
    const { access_token: access, refresh_token: refresh } = await facade.client.tokens();
    await facade.client.refresh(refresh);
    facade.app.clock.advance({ seconds: 61 });
    await facade.client.refresh(refresh);
    const response = await sse({ authorization: `Bearer ${access}` });
    expect(challenge(response)).toMatchObject({ error: "invalid_token" });
  },
  async insufficientScope() {
    const { access_token: narrow } = await facade.client.tokens("alice", { scope: "mcp" });
    const stream = await EventStream.open(facade.app, narrow);
    expect(await stream.callTool("getUserDetails")).toMatchObject({ isError: true });
  },
  async scope() {
    expect(challenge(await sse())["scope"]).toBe("mcp user.read calendar.read");
  },
  async characters() {
    const strange = await resign(facade.app, await token(), { iss: 'https://x"y\\z' });
    expect(challenge(await sse({ authorization: `Bearer ${strange}` }))).toHaveProperty("error");
  },
  async noStore() {
    expect((await sse()).headers.get("cache-control")).toBe("no-store");
  },
});
