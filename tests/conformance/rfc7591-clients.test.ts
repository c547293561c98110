import { beforeEach, expect, vi } from "vitest";
import { jsonOf, refusalOf } from "../support/answers.ts";
import { holdsEvery } from "../support/rules.ts";
import { SigningClient } from "../support/signing-client.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { AUTHENTICATED, NOT_AUTHENTICATED, tokenRequest } from "../support/token-request.ts";

const RULES = {
  secret: "gives a confidential client a secret that does not expire (§3.2.1)",
  basic: "accepts the secret by client_secret_basic (RFC 6749 §2.3.1)",
  post: "accepts the secret by client_secret_post (RFC 6749 §2.3.1)",
  eitherWay:
    "accepts the secret in the other of the two ways, as older SDKs send it (deviates from §2: ADR 8)",
  noCredentials: "refuses a confidential client without credentials (RFC 6749 §3.2.1)",
  revocation: "asks a confidential client for its credentials at /revoke too (RFC 7009 §2.1)",
  wrongSecret: "refuses a wrong secret, with a challenge where Basic was used (RFC 6749 §5.2)",
  severalMethods: "refuses more than one method in a request (RFC 6749 §2.3)",
  publicWithSecret: "refuses a secret of a client that is public (RFC 6749 §2.3)",
  audit: "writes refused credentials to the audit log, without them",
  defaultMethod:
    "makes a client that names no method public, and says so (§3.2.1; deviates from the default of §2: ADR 8)",
  unknownMethod: "refuses a method that it does not have (§3.2.2)",
  privateKeyJwt: "registers a client with keys of its own (§2)",
  keysTwice: "refuses jwks together with jwks_uri, or neither (§2)",
  keysFault: "refuses keys that are not public, or not on the public Internet (§2)",
  web: "allows a web client https redirect URIs only, and none on loopback (OIDC Registration §2)",
  native: "allows a native client loopback, a scheme of its own, and https (RFC 8252 §7)",
  unnamedType: "restricts nothing where application_type is absent",
  unknownType: "refuses an application_type that does not exist (§3.2.2)",
  sameClient:
    "gives the same public client an id of its own each time, at the cost of a read (§3.2.1)",
  confidentialApart: "gives every confidential client a client_id of its own (§3.2.1)",
  unknownClient: "refuses a client that is not registered (RFC 6749 §5.2)",
} as const;

const URIS = ["https://client.example/cb"];
const JWKS_URI = "https://client.example/jwks.json";

let app: TestApp;
beforeEach(() => {
  app = createTestApp();
});

const register = (metadata: Record<string, unknown> = {}) =>
  app.fetch(`${app.baseUrl}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ redirect_uris: URIS, ...metadata }),
  });

async function registered(method?: string): Promise<{ id: string; secret: string }> {
  const body = await jsonOf(await register({ token_endpoint_auth_method: method }));
  return { id: String(body["client_id"]), secret: String(body["client_secret"]) };
}

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${btoa(`${id}:${secret}`)}`,
});
const answerTo = async (...request: [Record<string, string>, Record<string, string>?]) =>
  refusalOf(await tokenRequest(app, ...request));

holdsEvery("RFC 7591, kinds of clients", RULES, {
  async secret() {
    for (const method of ["client_secret_basic", "client_secret_post"]) {
      const body = await jsonOf(await register({ token_endpoint_auth_method: method }));
      expect(body).toMatchObject({
        client_secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) as string,
        client_secret_expires_at: 0,
        token_endpoint_auth_method: method,
      });
    }
  },
  async basic() {
    const { id, secret } = await registered("client_secret_basic");
    expect(await answerTo({}, basic(id, secret))).toBe(AUTHENTICATED);
    expect(await answerTo({ client_id: id }, basic(id, secret))).toBe(AUTHENTICATED);
    const encoded = secret.replaceAll("-", "%2D").replaceAll("_", "%5F");
    expect(await answerTo({}, basic(id, encoded))).toBe(AUTHENTICATED);
  },
  async post() {
    const { id, secret } = await registered("client_secret_post");
    expect(await answerTo({ client_id: id, client_secret: secret })).toBe(AUTHENTICATED);
  },
  async eitherWay() {
    const a = await registered("client_secret_basic");
    expect(await answerTo({ client_id: a.id, client_secret: a.secret })).toBe(AUTHENTICATED);
    const b = await registered("client_secret_post");
    expect(await answerTo({}, basic(b.id, b.secret))).toBe(AUTHENTICATED);
  },
  async noCredentials() {
    for (const method of ["client_secret_basic", "client_secret_post"]) {
      const { id } = await registered(method);
      expect(await answerTo({ client_id: id })).toBe(NOT_AUTHENTICATED);
      expect(await answerTo({ client_id: id, client_secret: "" })).toBe(NOT_AUTHENTICATED);
      expect(await answerTo({}, basic(id, ""))).toBe(NOT_AUTHENTICATED);
    }
  },
  async revocation() {
    const { id, secret } = await registered("client_secret_post");
    const revoke = (fields: Record<string, string>) =>
      app.fetch(`${app.baseUrl}/revoke`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ token: "unknown", client_id: id, ...fields }),
      });
    expect(await refusalOf(await revoke({}))).toBe(NOT_AUTHENTICATED);
    expect((await revoke({ client_secret: secret })).status).toBe(200);
  },
  async wrongSecret() {
    const { id, secret } = await registered("client_secret_basic");
    const other = await registered("client_secret_basic");
    const posted = await tokenRequest(app, { client_id: id, client_secret: other.secret });
    expect(posted.headers.get("www-authenticate")).toBeNull();
    expect(await refusalOf(posted)).toBe(NOT_AUTHENTICATED);
    const sent = await tokenRequest(app, {}, basic(id, `${secret}x`));
    expect(sent.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
    expect(await refusalOf(sent)).toBe(NOT_AUTHENTICATED);
  },
  async severalMethods() {
    const { id, secret } = await registered("client_secret_basic");
    const fields = { client_id: id, client_secret: secret };
    expect(await answerTo(fields, basic(id, secret))).toBe("400 invalid_request");
  },
  async publicWithSecret() {
    const { id } = await registered("none");
    expect(await answerTo({ client_id: id })).toBe(AUTHENTICATED);
    expect(await answerTo({ client_id: id, client_secret: "x" })).toBe(NOT_AUTHENTICATED);
  },
  async audit() {
    const { id, secret } = await registered("client_secret_post");
    await answerTo({ client_id: id, client_secret: `${secret}x` });
    const lines = app.log.filter((line) => line.includes("client-refused"));
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { outcome: "denied", client: id, reason: "wrong-secret" },
    ]);
    expect(app.log.join()).not.toContain(secret);
  },
  async defaultMethod() {
    const body = await jsonOf(await register());
    expect(body).toMatchObject({ token_endpoint_auth_method: "none" });
    expect(body).not.toHaveProperty("client_secret");
    expect(await answerTo({ client_id: String(body["client_id"]) })).toBe(AUTHENTICATED);
  },
  async unknownMethod() {
    for (const method of ["client_secret_jwt", "tls_client_auth", "", 7]) {
      expect(await refusalOf(await register({ token_endpoint_auth_method: method }))).toBe(
        "400 invalid_client_metadata",
      );
    }
  },
  async privateKeyJwt() {
    const signer = await SigningClient.create();
    const keys = { jwks: { keys: [signer.publicKey] } };
    const body = await jsonOf(
      await register({ token_endpoint_auth_method: "private_key_jwt", ...keys }),
    );
    expect(body).toMatchObject({ token_endpoint_auth_method: "private_key_jwt", ...keys });
    const id = String(body["client_id"]);
    expect(await answerTo(await signer.credentials(id, app.baseUrl, app.clock))).toBe(
      AUTHENTICATED,
    );
    expect(await answerTo({ client_id: id })).toBe(NOT_AUTHENTICATED);
  },
  async keysTwice() {
    const method = { token_endpoint_auth_method: "private_key_jwt" };
    const { publicKey } = await SigningClient.create();
    const both = { ...method, jwks: { keys: [publicKey] }, jwks_uri: JWKS_URI };
    for (const metadata of [method, both]) {
      expect(await refusalOf(await register(metadata))).toBe("400 invalid_client_metadata");
    }
  },
  async keysFault() {
    const method = { token_endpoint_auth_method: "private_key_jwt" };
    for (const keys of [
      { jwks: { keys: [] } },
      { jwks: { keys: [{ kty: "oct", k: "x" }] } },
      { jwks: { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y", d: "d" }] } },
      { jwks: "keys" },
      { jwks_uri: "http://client.example/jwks.json" },
      { jwks_uri: "https://localhost/jwks.json" },
      { jwks_uri: "https://169.254.169.254/jwks.json" },
    ]) {
      expect(await refusalOf(await register({ ...method, ...keys }))).toBe(
        "400 invalid_client_metadata",
      );
    }
  },
  async web() {
    const type = { application_type: "web" };
    expect(await jsonOf(await register(type))).toMatchObject(type);
    for (const uri of [
      "http://localhost/cb",
      "https://localhost/cb",
      "https://127.0.0.1/cb",
      "app.example:/cb",
    ]) {
      expect(await refusalOf(await register({ ...type, redirect_uris: [...URIS, uri] }))).toBe(
        "400 invalid_redirect_uri",
      );
    }
  },
  async native() {
    const redirect_uris = [
      "http://127.0.0.1/cb",
      "http://localhost:1/cb",
      "app.example:/cb",
      ...URIS,
    ];
    const response = await register({ application_type: "native", redirect_uris });
    expect(await jsonOf(response)).toMatchObject({ application_type: "native", redirect_uris });
  },
  async unnamedType() {
    const redirect_uris = ["http://127.0.0.1/cb", "cursor://cb", ...URIS];
    const body = await jsonOf(await register({ redirect_uris }));
    expect(body).toMatchObject({ redirect_uris });
    expect(body).not.toHaveProperty("application_type");
  },
  async unknownType() {
    expect(await refusalOf(await register({ application_type: "toaster" }))).toBe(
      "400 invalid_client_metadata",
    );
  },
  async sameClient() {
    const first = await registered("none");
    const writes = vi.spyOn(app.store, "insert");
    const second = await registered("none");
    expect(writes).not.toHaveBeenCalled();
    expect(second.id).not.toBe(first.id);
    for (const { id } of [first, second]) {
      expect(await answerTo({ client_id: id })).toBe(AUTHENTICATED);
    }
  },
  async confidentialApart() {
    const first = await registered("client_secret_post");
    expect((await registered("client_secret_post")).id).not.toBe(first.id);
  },
  async unknownClient() {
    const id = "AAAAAAAAAAAAAAAAAAAAAA";
    expect(await answerTo({ client_id: id })).toBe(NOT_AUTHENTICATED);
    const sent = await tokenRequest(app, {}, basic(id, "x"));
    expect(sent.headers.get("www-authenticate")).toMatch(/^Basic /);
    expect(await refusalOf(sent)).toBe(NOT_AUTHENTICATED);
  },
});
