import { beforeEach, describe, expect, it } from "vitest";
import type { OAuthError } from "../../shared/oauth/oauth-error.ts";
import type { Session } from "../../shared/sessions/sessions.ts";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { createSessionParts, IDENTITY, ISSUER, type Parts } from "../support/parts.ts";

let parts: Parts;
let session: Session;
let token: string;
beforeEach(async () => {
  parts = createSessionParts();
  session = parts.session();
  await parts.sessions.create(session, IDENTITY, "token cache");
  token = await parts.accessTokens.issue(session, ["mcp"], `${ISSUER}/sse`);
});

const check = (authorization?: string, url = `${ISSUER}/sse`, method = "GET") =>
  parts.bearer.check(
    new Request(url, { method, headers: authorization === undefined ? {} : { authorization } }),
    "/sse",
  );

async function challenge(attempt: Promise<unknown>): Promise<string | undefined> {
  const error = (await attempt.catch((thrown: unknown) => thrown)) as OAuthError;
  expect(error).toMatchObject({ name: "OAuthError", code: "invalid_token", status: 401 });
  return error.headers["WWW-Authenticate"];
}

const METADATA = `resource_metadata="${ISSUER}/.well-known/oauth-protected-resource/sse"`;
const ALL = `scope="mcp user.read calendar.read"`;

describe("a valid token", () => {
  it("leads to its session, with the scopes of the token, not of the session", async () => {
    const caller = await check(`Bearer ${token}`);
    expect(caller).toEqual({ session, scopes: ["mcp"] });
  });

  it("is taken whatever the case of the scheme (RFC 9110 §11.1)", async () => {
    expect(await check(`bEARER ${token}`)).toMatchObject({ scopes: ["mcp"] });
  });

  it("counts for every resource when it was issued for the server as a whole", async () => {
    const whole = await parts.accessTokens.issue(session, ["mcp"], ISSUER);
    expect(await check(`Bearer ${whole}`)).toMatchObject({ session: { id: session.id } });
  });
});

describe("the challenge", () => {
  it("names metadata and every scope, and no error, to who brings no token (RFC 6750 §3)", async () => {
    expect(await challenge(check())).toBe(`Bearer ${METADATA}, ${ALL}`);
  });

  it.each(["Basic YTpi", "Bearer", "Bearer a b", `Token x`])(
    "treats %j as no token",
    async (header) => {
      expect(await challenge(check(header))).not.toContain("error=");
    },
  );

  it("does not take a token from the query (OAuth 2.1 §5.1.1)", async () => {
    const url = `${ISSUER}/sse?access_token=${token}`;
    expect(await challenge(check(undefined, url))).toBe(`Bearer ${METADATA}, ${ALL}`);
  });

  it("says invalid_token to who brings one that is not ours (RFC 6750 §3.1)", async () => {
    const header = await challenge(check("Bearer nonsense"));
    expect(header).toBe(
      `Bearer ${METADATA}, ${ALL}, error="invalid_token", error_description="The token is not valid here."`,
    );
  });

  it("repeats the scopes of a token of ours that has expired", async () => {
    parts.clock.advance({ seconds: 3_601 });
    const header = await challenge(check(`Bearer ${token}`));
    expect(header).toContain(`scope="mcp", error="invalid_token"`);
    expect(header).toContain("The token has expired.");
  });

  it.each([undefined, "Bearer nonsense"])(
    "says Unauthorized in words too, to %j: an Inspector behind its own proxy sees no status",
    async (header) => {
      await expect(check(header)).rejects.toThrow(/^Unauthorized\. /);
    },
  );

  it("refuses an expired token that was good a moment ago", async () => {
    await check(`Bearer ${token}`);
    parts.clock.advance({ seconds: 3_601 });
    expect(await challenge(check(`Bearer ${token}`))).toContain("expired");
  });

  it("refuses at one resource a token that was just good at another", async () => {
    await check(`Bearer ${token}`);
    const request = new Request(ISSUER, { headers: { authorization: `Bearer ${token}` } });
    const header = await challenge(parts.bearer.check(request, ""));
    expect(header).toContain(`oauth-protected-resource", scope="mcp user.read", error=`);
  });
});

describe("the session behind a token", () => {
  it("is looked up once in 30 seconds: in steady state a call costs no storage operation", async () => {
    await check(`Bearer ${token}`);
    parts.store.operations = 0;
    parts.clock.advance({ seconds: 29.999 });
    await check(`Bearer ${token}`);
    expect(parts.store.operations).toBe(0);
    parts.clock.advance({ seconds: 0.001 });
    await check(`Bearer ${token}`);
    expect(parts.store.operations).toBe(1);
  });

  it("ends the token when it has ended, at the next look", async () => {
    await check(`Bearer ${token}`);
    await parts.sessions.end(session.userKey, session.id);
    await check(`Bearer ${token}`);
    parts.clock.advance({ seconds: 30 });
    expect(await challenge(check(`Bearer ${token}`))).toContain("The session has ended.");
  });

  it("ends the token at once where the check was told to forget it", async () => {
    await check(`Bearer ${token}`);
    await parts.sessions.end(session.userKey, session.id);
    parts.bearer.forget(session.id);
    expect(await challenge(check(`Bearer ${token}`))).toContain("The session has ended.");
  });

  it("must be the token's own: the same id under another person is no session", async () => {
    const stranger = await parts.accessTokens.issue(
      { ...session, userKey: "somebody-else" },
      ["mcp"],
      ISSUER,
    );
    await challenge(check(`Bearer ${stranger}`));
  });

  it("counts for 5 minutes after the last look while storage is away, and no longer", async () => {
    await check(`Bearer ${token}`);
    parts.store.down = true;
    parts.clock.advance({ seconds: 299.999 });
    expect(await check(`Bearer ${token}`)).toMatchObject({ session: { id: session.id } });
    parts.clock.advance({ seconds: 0.001 });
    await expect(check(`Bearer ${token}`)).rejects.toThrow(StorageUnavailable);
  });

  it("is not guessed during an outage where it was never looked up", async () => {
    await parts.keyring.signingKey();
    parts.store.down = true;
    await expect(check(`Bearer ${token}`)).rejects.toThrow(StorageUnavailable);
  });

  it("stays ended during an outage once it was seen to have ended", async () => {
    await check(`Bearer ${token}`);
    await parts.sessions.end(session.userKey, session.id);
    parts.clock.advance({ seconds: 30 });
    await challenge(check(`Bearer ${token}`));
    parts.store.down = true;
    await expect(check(`Bearer ${token}`)).rejects.toThrow(StorageUnavailable);
  });
});
