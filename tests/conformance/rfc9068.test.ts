import { createHmac } from "node:crypto";
import { createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { expect } from "vitest";
import { jsonOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { resign } from "../support/resign.ts";
import { holdsEvery } from "../support/rules.ts";

const RULES = {
  type: "is of type at+jwt, signed with ES256 and a key that it names (§2.1)",
  claims: "carries iss, exp, aud, sub, client_id, iat and jti (§2.2)",
  scope: "carries the granted scope (§2.2.3)",
  lifetime: "lives as long as expires_in says (§2.2)",
  verifiable: "can be checked with the published keys (§4)",
  publicKeys: "publishes public keys only (RFC 7517 §4)",
  subject: "names a person by the same opaque sub in every token, and two by two (§2.2, §5)",
  private: "says nothing about the person: no name, mail address, role or tenant (§6)",
  unique: "has a jti of its own each time (RFC 7519 §4.1.7)",
  typeChecked: "is refused with another typ: an ID token is no access token (§4)",
  algorithmChecked: "is refused unsigned, and under HMAC with the public key (§4, RFC 8725 §3.1)",
  issuerChecked: "is refused from another issuer (§4)",
  audienceChecked: "is refused for another audience (§4)",
  expiryChecked: "is refused from the second of its exp on (§4)",
  claimsChecked: "is refused without exp, sub or client_id (§4)",
  signatureChecked: "is refused when one character was changed (§4)",
} as const;

const facade = useFacade();

const token = async () => (await facade.client.tokens()).access_token;
const keys = async () =>
  (await jsonOf(await facade.get("/.well-known/jwks.json")))["keys"] as Record<string, unknown>[];

const sub = async (account: "alice" | "bob") =>
  decodeJwt((await facade.client.tokens(account)).access_token).sub;

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

holdsEvery("RFC 9068, JWT access tokens: the access token", RULES, {
  async type() {
    expect(decodeProtectedHeader(await token())).toEqual({
      typ: "at+jwt",
      alg: "ES256",
      kid: (await keys())[0]?.["kid"],
    });
  },
  async claims() {
    const now = Math.floor(facade.app.clock.now() / 1000);
    expect(decodeJwt(await token())).toEqual({
      iss: facade.app.baseUrl,
      aud: `${facade.app.baseUrl}/sse`,
      sub: expect.stringMatching(/^[\w-]{43}$/) as string,
      sid: expect.stringMatching(/^[\w-]{22}$/) as string,
      client_id: facade.client.id,
      scope: "mcp user.read calendar.read",
      iat: now,
      exp: now + 3_600,
      jti: expect.stringMatching(/^[\w-]{22}$/) as string,
    });
  },
  async scope() {
    const tokens = await facade.client.tokens("alice", { scope: "mcp" });
    expect(decodeJwt(tokens.access_token)["scope"]).toBe(tokens.scope);
  },
  async lifetime() {
    const tokens = await facade.client.tokens();
    const { iat = 0, exp = 0 } = decodeJwt(tokens.access_token);
    expect(exp - iat).toBe(tokens.expires_in);
  },
  async verifiable() {
    const jwks = createRemoteJWKSet(new URL(`${facade.app.baseUrl}/.well-known/jwks.json`), {
      [customFetch]: (url) => facade.app.fetch(url),
    });
    const { payload } = await jwtVerify(await token(), jwks, {
      typ: "at+jwt",
      issuer: facade.app.baseUrl,
      audience: `${facade.app.baseUrl}/sse`,
    });
    expect(payload["client_id"]).toBe(facade.client.id);
  },
  async publicKeys() {
    await token();
    for (const key of await keys()) {
      expect(Object.keys(key).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
      expect(key).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", use: "sig" });
    }
  },
  async subject() {
    const alice = await sub("alice");
    expect(await sub("alice")).toBe(alice);
    expect(await sub("bob")).not.toBe(alice);
  },
  async private() {
    const text = JSON.stringify(decodeJwt(await token()));
    expect(text).not.toMatch(/alice|@|role|tid|oid|5f3c1a52-9d0e/i);
  },
  async unique() {
    const { refresh_token, access_token } = await facade.client.tokens();
    const next = await jsonOf(await facade.client.refresh(refresh_token));
    expect(decodeJwt(String(next["access_token"])).jti).not.toBe(decodeJwt(access_token).jti);
  },
  async typeChecked() {
    const genuine = await token();
    expect(await facade.sseStatus(await resign(facade.app, genuine, {}))).toBe(200);
    for (const typ of ["JWT", "logout+jwt", undefined]) {
      const other = await resign(facade.app, genuine, {}, { typ });
      expect(await facade.sseStatus(other)).toBe(401);
    }
  },
  async algorithmChecked() {
    const [header = "", payload = ""] = (await token()).split(".");
    const { kid } = decodeProtectedHeader(`${header}.e30.`);
    const unsigned = base64url({ alg: "none", typ: "at+jwt", kid });
    expect(await facade.sseStatus(`${unsigned}.${payload}.`)).toBe(401);
    const hmac = base64url({ alg: "HS256", typ: "at+jwt", kid });
    const publicKey = JSON.stringify((await keys())[0]);
    const code = createHmac("sha256", publicKey).update(`${hmac}.${payload}`).digest("base64url");
    expect(await facade.sseStatus(`${hmac}.${payload}.${code}`)).toBe(401);
  },
  async issuerChecked() {
    const other = await resign(facade.app, await token(), { iss: "https://other.example" });
    expect(await facade.sseStatus(other)).toBe(401);
  },
  async audienceChecked() {
    for (const aud of ["https://other.example", `${facade.app.baseUrl}/mcp`, undefined]) {
      const other = await resign(facade.app, await token(), { aud });
      expect(await facade.sseStatus(other)).toBe(401);
    }
  },
  async expiryChecked() {
    const genuine = await token();
    facade.app.clock.advance({ seconds: 3_599 });
    expect(await facade.sseStatus(genuine)).toBe(200);
    facade.app.clock.advance({ seconds: 1 });
    expect(await facade.sseStatus(genuine)).toBe(401);
  },
  async claimsChecked() {
    for (const claim of ["exp", "sub", "client_id", "sid", "scope"]) {
      const other = await resign(facade.app, await token(), { [claim]: undefined });
      expect(await facade.sseStatus(other)).toBe(401);
    }
  },
  async signatureChecked() {
    const [header, payload, signature = ""] = (await token()).split(".");
    const changed = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
    expect(await facade.sseStatus(`${header}.${payload}.${changed}`)).toBe(401);
    expect(await facade.sseStatus(`${header}.${payload}.`)).toBe(401);
  },
});
