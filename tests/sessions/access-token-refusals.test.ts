import { generateKeyPair, importJWK, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { TokenInvalid } from "../../shared/sessions/access-token.ts";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { createSessionParts, ISSUER, type Parts } from "../support/parts.ts";

const AUDIENCES = [ISSUER, `${ISSUER}/sse`];

let parts: Parts;
let payload: JWTPayload;
beforeEach(() => {
  parts = createSessionParts();
  const now = Math.floor(parts.clock.now() / 1000);
  payload = {
    iss: ISSUER,
    aud: ISSUER,
    sub: "user-1",
    sid: "session-1",
    client_id: "client-1",
    scope: "mcp",
    jti: "jti-1",
    iat: now,
    exp: now + 600,
  };
});

/** A token that our own key signed: only what `changes` and `header` say is wrong with it. */
async function signed(changes: Record<string, unknown> = {}, header: Record<string, string> = {}) {
  const { kid, privateKey } = await parts.keyring.signingKey();
  return new SignJWT({ ...payload, ...changes })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid, ...header })
    .sign(privateKey);
}

async function refusal(token: string): Promise<TokenInvalid> {
  const outcome: unknown = await parts.accessTokens
    .verify(token, AUDIENCES)
    .catch((error: unknown) => error);
  if (outcome instanceof TokenInvalid) return outcome;
  throw new Error("the token was not refused", { cause: outcome });
}

describe("the check of an access token", () => {
  it("accepts what the refusals below are variations of", async () => {
    const token = await signed();
    expect(await parts.accessTokens.verify(token, AUDIENCES)).toMatchObject({ userKey: "user-1" });
  });

  it.each<[string, Record<string, unknown>]>([
    ["another audience (RFC 9068 §4)", { aud: `${ISSUER}/mcp` }],
    ["an audience of another server", { aud: "https://other.example.com" }],
    ["several audiences", { aud: [ISSUER, `${ISSUER}/sse`] }],
    ["no audience", { aud: undefined }],
    ["another issuer (RFC 9068 §4)", { iss: "https://other.example.com" }],
    ["no issuer", { iss: undefined }],
    ["no expiry", { exp: undefined }],
    ["no session", { sid: undefined }],
    ["no subject", { sub: undefined }],
    ["no client", { client_id: undefined }],
    ["a time from which on it counts that is still to come", { nbf: 4_000_000_000 }],
  ])("rejects %s", async (_, changes) => {
    expect((await refusal(await signed(changes))).expiredScopes).toBeUndefined();
  });

  it("rejects typ JWT: a token of another kind is no access token (RFC 9068 §4)", async () => {
    await refusal(await signed({}, { typ: "JWT" }));
  });

  it("rejects alg none (RFC 8725 §3.2)", async () => {
    await refusal(new UnsecuredJWT(payload).encode());
  });

  it("rejects HS256 with the public key as the secret (RFC 8725 §2.1)", async () => {
    const [published] = await parts.keyring.publicKeys();
    const secret = new TextEncoder().encode(JSON.stringify(published));
    const header = { alg: "HS256", typ: "at+jwt", kid: published?.kid ?? "" };
    await refusal(await new SignJWT(payload).setProtectedHeader(header).sign(secret));
  });

  it("rejects a stranger's signature under our key id", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    const { kid } = await parts.keyring.signingKey();
    const header = { alg: "ES256", typ: "at+jwt", kid };
    await refusal(await new SignJWT(payload).setProtectedHeader(header).sign(privateKey));
  });

  it("rejects a key id that is not known, and a token without one", async () => {
    parts.clock.advance({ seconds: 10 });
    await refusal(await signed({}, { kid: "unknown" }));
    const { privateKey } = await parts.keyring.signingKey();
    const header = { alg: "ES256", typ: "at+jwt" };
    await refusal(await new SignJWT(payload).setProtectedHeader(header).sign(privateKey));
  });

  it("rejects a key that the token itself brings (RFC 8725 §3.10)", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = { ...(await crypto.subtle.exportKey("jwk", publicKey)), kty: "EC" };
    await importJWK(jwk, "ES256");
    const header = { alg: "ES256", typ: "at+jwt", jwk };
    await refusal(await new SignJWT(payload).setProtectedHeader(header).sign(privateKey));
  });

  it("rejects a changed payload", async () => {
    const [header, , signature] = (await signed()).split(".");
    const body = JSON.stringify({ ...payload, scope: "mcp user.read calendar.read" });
    await refusal([header, Buffer.from(body).toString("base64url"), signature].join("."));
  });

  it.each(["", "x", "a.b.c", "e30.e30.", "....", "r1.k.u.s.1.x.y"])(
    "rejects what is no JWT: %j",
    async (text) => {
      await refusal(text);
    },
  );

  it("does not call a token invalid when storage could not be asked for its key", async () => {
    const token = await signed();
    const restarted = createSessionParts({ store: parts.store, clock: parts.clock });
    restarted.store.down = true;
    const check = restarted.accessTokens.verify(token, AUDIENCES);
    await expect(check).rejects.toThrow(StorageUnavailable);
  });
});
