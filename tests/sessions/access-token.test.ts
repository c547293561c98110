import { decodeJwt, decodeProtectedHeader } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import type { Session } from "../../shared/sessions/sessions.ts";
import { createSessionParts, ISSUER, type Parts } from "../support/parts.ts";

const AUDIENCES = [ISSUER, `${ISSUER}/sse`];

let parts: Parts;
let session: Session;
let token: string;
beforeEach(async () => {
  parts = createSessionParts();
  session = parts.session();
  token = await parts.accessTokens.issue(session, ["mcp", "user.read"], `${ISSUER}/sse`);
});

describe("an access token", () => {
  it("is a JWT of type at+jwt, signed with ES256 and a published key (RFC 9068 §2.1)", async () => {
    const [published] = await parts.keyring.publicKeys();
    expect(decodeProtectedHeader(token)).toEqual({
      alg: "ES256",
      typ: "at+jwt",
      kid: published?.kid,
    });
  });

  it("says who, for whom, what and until when, and nothing else (RFC 9068 §2.2)", () => {
    const now = Math.floor(parts.clock.now() / 1000);
    expect(decodeJwt(token)).toEqual({
      iss: ISSUER,
      aud: `${ISSUER}/sse`,
      sub: session.userKey,
      sid: session.id,
      client_id: session.clientId,
      scope: "mcp user.read",
      iat: now,
      exp: now + 3_600,
      jti: expect.stringMatching(/^[\w-]{22}$/) as string,
    });
  });

  it("has a jti of its own each time (RFC 7519 §4.1.7)", async () => {
    const again = await parts.accessTokens.issue(session, ["mcp"], ISSUER);
    expect(decodeJwt(again).jti).not.toBe(decodeJwt(token).jti);
  });

  it("is read back as what it says", async () => {
    expect(await parts.accessTokens.verify(token, AUDIENCES)).toEqual({
      userKey: session.userKey,
      sessionId: session.id,
      clientId: session.clientId,
      scopes: ["mcp", "user.read"],
      audience: `${ISSUER}/sse`,
      expiresAtSeconds: Math.floor(parts.clock.now() / 1000) + 3_600,
    });
  });

  it("is read by another instance of the same installation", async () => {
    const other = createSessionParts({ store: parts.store, clock: parts.clock });
    expect(await other.accessTokens.verify(token, AUDIENCES)).toMatchObject({
      sessionId: session.id,
    });
  });

  it("is good until its last second, and over from its exp on (RFC 7519 §4.1.4)", async () => {
    const whole = Math.floor(parts.clock.now() / 1000) * 1000;
    parts.clock.advance({ seconds: (whole - parts.clock.now()) / 1000 + 3_599 });
    await parts.accessTokens.verify(token, AUDIENCES);
    parts.clock.advance({ seconds: 1 });
    await expect(parts.accessTokens.verify(token, AUDIENCES)).rejects.toMatchObject({
      name: "TokenInvalid",
      message: "The token has expired.",
      expiredScopes: ["mcp", "user.read"],
    });
  });
});
