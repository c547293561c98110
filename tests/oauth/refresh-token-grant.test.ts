import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";

const facade = useFacade();

const DAY_SECONDS = 86_400;

const refreshed = async (token: string, changes: Record<string, string> = {}) => {
  const response = await facade.client.refresh(token, changes);
  expect(response.status).toBe(200);
  return (await jsonOf(response)) as TokenResponse;
};

const refused = async (token: string, changes: Record<string, string | undefined> = {}) =>
  refusalOf(await facade.client.refresh(token, changes));

describe("the refresh token grant", () => {
  it("replaces the refresh token at each use (OAuth 2.1 §4.3.1)", async () => {
    const first = await facade.client.tokens();
    const second = await refreshed(first.refresh_token);
    expect(second.refresh_token).not.toBe(first.refresh_token);
    expect(second.access_token).not.toBe(first.access_token);
    expect(await facade.sseStatus(second.access_token)).toBe(200);
    const third = await refreshed(second.refresh_token);
    expect(third.refresh_token).not.toBe(second.refresh_token);
  });

  it("gives the same answer again to a retry within 60 seconds", async () => {
    const { refresh_token: token } = await facade.client.tokens();
    const first = await refreshed(token);
    facade.app.clock.advance({ seconds: 59 });
    expect(await refreshed(token)).toEqual(first);
  });

  it("rotates once for refreshes at the same time, and answers all of them alike", async () => {
    const { refresh_token: token } = await facade.client.tokens();
    const answers = await Promise.all(Array.from({ length: 8 }, () => refreshed(token)));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await refreshed(answers[0]?.refresh_token ?? "")).toMatchObject({
      scope: "mcp user.read calendar.read",
    });
  });

  it("ends the session when an old token comes after that (OAuth 2.1 §4.3.1)", async () => {
    const { refresh_token: token, access_token: access } = await facade.client.tokens();
    const { refresh_token: next } = await refreshed(token);
    facade.app.clock.advance({ seconds: 61 });
    expect(await refused(token)).toBe("400 invalid_grant");
    expect(await refused(next)).toBe("400 invalid_grant");
    expect(await facade.sseStatus(access)).toBe(401);
  });

  it("ends the session when the token before the previous one comes, at any time", async () => {
    const { refresh_token: token } = await facade.client.tokens();
    const { refresh_token: second } = await refreshed(token);
    const { refresh_token: third } = await refreshed(second);
    expect(await refused(token)).toBe("400 invalid_grant");
    expect(await refused(third)).toBe("400 invalid_grant");
  });

  it("ends only the session of that token: the person's other sign-ins go on", async () => {
    const [one, other] = [await facade.client.tokens(), await facade.client.tokens()];
    await refreshed(one.refresh_token);
    facade.app.clock.advance({ seconds: 61 });
    await refused(one.refresh_token);
    await refreshed(other.refresh_token);
  });
});

describe("a refresh token", () => {
  it("is good for the client it was issued to, and for no other (RFC 6749 §6)", async () => {
    const { refresh_token: token } = await facade.client.tokens();
    const stranger = await facade.stranger();
    expect(await refusalOf(await stranger.refresh(token))).toBe("400 invalid_grant");
    await refreshed(token);
    // An old one in the wrong hands is no reuse by its owner.
    facade.app.clock.advance({ seconds: 61 });
    expect(await refusalOf(await stranger.refresh(token))).toBe("400 invalid_grant");
    expect(await refused(token)).toBe("400 invalid_grant");
  });

  it("that was forged does nothing to the session that it names", async () => {
    const { refresh_token: token } = await facade.client.tokens();
    const { refresh_token: next } = await refreshed(token);
    facade.app.clock.advance({ seconds: 61 });
    const [version, kid, user, session, generation, secret, mac] = token.split(".");
    const forgeries = [
      [version, kid, user, session, "0", secret, mac],
      [version, kid, user, session, generation, "A".repeat(43), mac],
      [version, kid, user, session, generation, secret, "A".repeat(43)],
      [version, kid, user, session, generation, secret, ""],
      [version, kid, user, session, generation, secret],
      [version, "unknown", user, session, generation, secret, mac],
      [version, kid, user, session, generation, secret, mac, "more"],
      ["r2", kid, user, session, generation, secret, mac],
    ];
    for (const parts of forgeries) expect(await refused(parts.join("."))).toBe("400 invalid_grant");
    await refreshed(next);
  });

  it.each(["x", ".......", "r1.......", "../../keys", "é🙂", "\u0000", "a".repeat(10_000)])(
    "like %j is invalid_grant",
    async (token) => {
      expect(await refused(token)).toBe("400 invalid_grant");
    },
  );

  it("is missing: invalid_request", async () => {
    expect(await refused("", {})).toBe("400 invalid_request");
    expect(await refused("", { refresh_token: undefined })).toBe("400 invalid_request");
  });

  it("is no access token, and an access token is no refresh token", async () => {
    const tokens = await facade.client.tokens();
    expect(await facade.sseStatus(tokens.refresh_token)).toBe(401);
    expect(await refused(tokens.access_token)).toBe("400 invalid_grant");
  });
});

describe("the lifetime of a session", () => {
  it("slides: 30 days after the last refresh it has ended", async () => {
    const first = await facade.client.tokens();
    facade.app.clock.advance({ seconds: 30 * DAY_SECONDS - 1 });
    const second = await refreshed(first.refresh_token);
    facade.app.clock.advance({ seconds: 30 * DAY_SECONDS });
    expect(await refused(second.refresh_token)).toBe("400 invalid_grant");
  });

  it("ends 90 days after the sign-in, however often it is refreshed, and its access tokens too", async () => {
    let tokens = await facade.client.tokens();
    for (let week = 1; week <= 12; week++) {
      facade.app.clock.advance({ seconds: 7 * DAY_SECONDS });
      tokens = await refreshed(tokens.refresh_token);
    }
    facade.app.clock.advance({ seconds: 6 * DAY_SECONDS - 60 });
    tokens = await refreshed(tokens.refresh_token);
    expect(await facade.sseStatus(tokens.access_token)).toBe(200);
    facade.app.clock.advance({ seconds: 60 });
    expect(await refused(tokens.refresh_token)).toBe("400 invalid_grant");
    expect(await facade.sseStatus(tokens.access_token)).toBe(401);
  });
});

describe("what a refresh may ask for", () => {
  it("fewer scopes, for this access token only (RFC 6749 §6)", async () => {
    const first = await facade.client.tokens();
    const narrow = await refreshed(first.refresh_token, { scope: "mcp user.read" });
    expect(narrow.scope).toBe("mcp user.read");
    expect(decodeJwt(narrow.access_token)["scope"]).toBe("mcp user.read");
    expect((await refreshed(narrow.refresh_token)).scope).toBe("mcp user.read calendar.read");
  });

  it("not more scopes than were granted: invalid_scope, and the token is still good", async () => {
    const { refresh_token: token } = await facade.client.tokens("alice", { scope: "mcp" });
    expect(await refused(token, { scope: "mcp calendar.read" })).toBe("400 invalid_scope");
    expect(await refused(token, { scope: 'mcp "' })).toBe("400 invalid_scope");
    await refreshed(token);
  });

  it("scopes that are not ours, which are dropped as at /authorize", async () => {
    const { refresh_token: token } = await facade.client.tokens("alice", { scope: "mcp" });
    const answer = await refreshed(token, { scope: "mcp openid offline_access" });
    expect(answer.scope).toBe("mcp");
  });

  it("one resource of a grant for the whole server (RFC 8707 §2.2)", async () => {
    const first = await facade.client.tokens("alice", { resource: undefined });
    expect(decodeJwt(first.access_token).aud).toBe("http://localhost:7071");
    const narrow = await refreshed(first.refresh_token, { resource: "http://localhost:7071/sse" });
    expect(decodeJwt(narrow.access_token).aud).toBe("http://localhost:7071/sse");
  });

  it("no other resource: invalid_target, and the token is still good", async () => {
    const { refresh_token: token } = await facade.client.tokens();
    for (const resource of ["http://localhost:7071", "https://graph.microsoft.com", "sse"]) {
      expect(await refused(token, { resource })).toBe("400 invalid_target");
    }
    await refreshed(token);
  });
});
