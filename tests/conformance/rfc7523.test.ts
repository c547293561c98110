import { UnsecuredJWT } from "jose";
import { beforeAll, beforeEach, expect } from "vitest";
import { DocumentUnavailable } from "../../shared/oauth/clients/document-fetch.ts";
import { refusalOf } from "../support/answers.ts";
import { FakeDocuments } from "../support/fake-documents.ts";
import { holdsEvery } from "../support/rules.ts";
import { SigningClient } from "../support/signing-client.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { AUTHENTICATED, NOT_AUTHENTICATED, tokenRequest } from "../support/token-request.ts";

const RULES = {
  issuerAudience: "accepts an assertion for the issuer (§3, 3)",
  tokenEndpointAudience: "accepts an assertion for the token endpoint (§3, 3)",
  foreignAudience: "refuses an assertion for another server (§3, 3)",
  mixedAudience: "refuses an assertion that is for another server too (§3, 3)",
  noAudience: "refuses an assertion without aud (§3, 3)",
  issuer: "refuses an assertion whose iss is not the client (§3, 1)",
  subject: "refuses an assertion whose sub is not the client (§3, 2)",
  expired: "refuses an assertion that has expired (§3, 4)",
  noExpiry: "refuses an assertion without exp (§3, 4)",
  farExpiry: "refuses an assertion that lives for more than ten minutes (§3, 4)",
  notBefore: "refuses an assertion whose nbf is to come (§3, 5)",
  replay: "accepts an assertion once (§3, 7)",
  replayElsewhere: "accepts it once on all instances together (§3, 7)",
  sameJtiOfAnother: "lets two clients use the same jti (§3, 7)",
  noJti: "refuses an assertion without jti (OpenID Connect Core §9)",
  signature: "refuses the signature of another key (§3, 9)",
  otherAlgorithm: "refuses another algorithm than the one registered (RFC 7591 §2)",
  unsigned: "refuses an assertion that is not signed (RFC 8725 §3.1)",
  algorithms: "accepts each algorithm that the metadata names (RFC 8414 §2)",
  clientId: "refuses a client_id that is not the subject (RFC 7521 §4.2)",
  noAssertion: "refuses the client without an assertion (RFC 6749 §3.2.1)",
  publicClient: "refuses the assertion of a client that is public (RFC 6749 §2.3)",
  rotatedKeys: "reads the keys again when an assertion names a new one (RFC 7517 §4.5)",
  keysAway: "says temporarily_unavailable while the client's keys cannot be read",
  keysGone: "refuses the client when its keys are gone",
} as const;

const ID = "https://client.example/oauth/metadata.json";
const JWKS_URI = "https://client.example/oauth/jwks.json";

let signer: SigningClient;
let documents: FakeDocuments;
let app: TestApp;

beforeAll(async () => {
  signer = await SigningClient.create();
});
beforeEach(() => {
  documents = new FakeDocuments();
  app = createTestApp({ fetchDocument: documents.fetch });
  publish();
});

function publish(metadata: Record<string, unknown> = { jwks: { keys: [signer.publicKey] } }) {
  documents.publish(ID, {
    client_id: ID,
    client_name: "The app",
    redirect_uris: ["https://client.example/cb"],
    token_endpoint_auth_method: "private_key_jwt",
    ...metadata,
  });
}

const credentials = (claims: Record<string, unknown> = {}, by = signer) =>
  by.credentials(ID, app.baseUrl, app.clock, claims);

const answerTo = async (claims?: Record<string, unknown>, by?: SigningClient) =>
  refusalOf(await tokenRequest(app, await credentials(claims, by)));

const now = () => Math.floor(app.clock.now() / 1000);

holdsEvery("RFC 7523, private_key_jwt", RULES, {
  async issuerAudience() {
    expect(await answerTo()).toBe(AUTHENTICATED);
    expect(await answerTo({ aud: [app.baseUrl] })).toBe(AUTHENTICATED);
  },
  async tokenEndpointAudience() {
    expect(await answerTo({ aud: `${app.baseUrl}/token` })).toBe(AUTHENTICATED);
  },
  async foreignAudience() {
    expect(await answerTo({ aud: "https://other.example" })).toBe(NOT_AUTHENTICATED);
    expect(await answerTo({ aud: [] })).toBe(NOT_AUTHENTICATED);
  },
  async mixedAudience() {
    expect(await answerTo({ aud: [app.baseUrl, "https://other.example"] })).toBe(NOT_AUTHENTICATED);
  },
  async noAudience() {
    expect(await answerTo({ aud: undefined })).toBe(NOT_AUTHENTICATED);
  },
  async issuer() {
    expect(await answerTo({ iss: "https://other.example/m" })).toBe(NOT_AUTHENTICATED);
  },
  async subject() {
    expect(await answerTo({ sub: "https://other.example/m" })).toBe(NOT_AUTHENTICATED);
    expect(await answerTo({ sub: undefined })).toBe(NOT_AUTHENTICATED);
  },
  async expired() {
    expect(await answerTo({ exp: now() - 31 })).toBe(NOT_AUTHENTICATED);
  },
  async noExpiry() {
    expect(await answerTo({ exp: undefined })).toBe(NOT_AUTHENTICATED);
  },
  async farExpiry() {
    expect(await answerTo({ exp: now() + 600 })).toBe(AUTHENTICATED);
    expect(await answerTo({ exp: now() + 3_600 })).toBe(NOT_AUTHENTICATED);
  },
  async notBefore() {
    expect(await answerTo({ nbf: now() + 60 })).toBe(NOT_AUTHENTICATED);
  },
  async replay() {
    const fields = await credentials({ exp: now() + 300 });
    expect(await refusalOf(await tokenRequest(app, fields))).toBe(AUTHENTICATED);
    app.clock.advance({ seconds: 299 });
    expect(await refusalOf(await tokenRequest(app, fields))).toBe(NOT_AUTHENTICATED);
  },
  async replayElsewhere() {
    const { store, clock } = app;
    const other = createTestApp({ store, clock, fetchDocument: documents.fetch });
    const fields = await credentials();
    const answers = await Promise.all(
      [app, other, app, other].map(async (at) => refusalOf(await tokenRequest(at, fields))),
    );
    expect(answers.filter((answer) => answer === AUTHENTICATED)).toHaveLength(1);
  },
  async sameJtiOfAnother() {
    const other = "https://other.example/m";
    documents.publish(other, {
      client_id: other,
      client_name: "Another app",
      redirect_uris: ["https://other.example/cb"],
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [signer.publicKey] },
    });
    expect(await answerTo({ jti: "1" })).toBe(AUTHENTICATED);
    expect(await answerTo({ jti: "1", iss: other, sub: other })).toBe(AUTHENTICATED);
    expect(await answerTo({ jti: "1" })).toBe(NOT_AUTHENTICATED);
  },
  async noJti() {
    expect(await answerTo({ jti: undefined })).toBe(NOT_AUTHENTICATED);
    expect(await answerTo({ jti: "" })).toBe(NOT_AUTHENTICATED);
    expect(await answerTo({ jti: 7 })).toBe(NOT_AUTHENTICATED);
  },
  async signature() {
    expect(await answerTo({}, await SigningClient.create("ES256", "1"))).toBe(NOT_AUTHENTICATED);
  },
  async otherAlgorithm() {
    publish({ jwks: { keys: [signer.publicKey] }, token_endpoint_auth_signing_alg: "RS256" });
    expect(await answerTo()).toBe(NOT_AUTHENTICATED);
  },
  async unsigned() {
    const assertion = new UnsecuredJWT({ iss: ID, sub: ID, aud: app.baseUrl, jti: "1" })
      .setExpirationTime(now() + 60)
      .encode();
    const fields = { ...(await credentials()), client_assertion: assertion };
    expect(await refusalOf(await tokenRequest(app, fields))).toBe(NOT_AUTHENTICATED);
  },
  async algorithms() {
    const metadata = (await (
      await app.fetch(`${app.baseUrl}/.well-known/oauth-authorization-server`)
    ).json()) as Record<string, string[]>;
    const algorithms = metadata["token_endpoint_auth_signing_alg_values_supported"] ?? [];
    expect(algorithms).toContain("RS256");
    expect(metadata["token_endpoint_auth_methods_supported"]).toContain("private_key_jwt");
    const signers = await Promise.all(algorithms.map((name) => SigningClient.create(name, name)));
    publish({ jwks: { keys: signers.map(({ publicKey }) => publicKey) } });
    for (const by of signers) expect(await answerTo({}, by)).toBe(AUTHENTICATED);
  },
  async clientId() {
    const fields = await credentials();
    expect(await refusalOf(await tokenRequest(app, { ...fields, client_id: ID }))).toBe(
      AUTHENTICATED,
    );
    const other = { ...(await credentials()), client_id: "https://other.example/m" };
    expect(await refusalOf(await tokenRequest(app, other))).toBe("400 invalid_request");
  },
  async noAssertion() {
    expect(await refusalOf(await tokenRequest(app, { client_id: ID }))).toBe(NOT_AUTHENTICATED);
  },
  async publicClient() {
    publish({ token_endpoint_auth_method: "none" });
    expect(await answerTo()).toBe(NOT_AUTHENTICATED);
  },
  async rotatedKeys() {
    publish({ jwks_uri: JWKS_URI });
    const forAnHour = { "cache-control": "max-age=3600" };
    documents.publish(JWKS_URI, { keys: [signer.publicKey] }, forAnHour);
    expect(await answerTo()).toBe(AUTHENTICATED);
    const next = await SigningClient.create("ES256", "2");
    documents.publish(JWKS_URI, { keys: [next.publicKey] }, forAnHour);
    app.clock.advance({ seconds: 60 });
    expect(await answerTo({}, next)).toBe(AUTHENTICATED);
    expect(await answerTo()).toBe(NOT_AUTHENTICATED);
    // A made-up kid does not make us ask again and again.
    const fetches = documents.fetched.length;
    expect(await answerTo({}, await SigningClient.create("ES256", "3"))).toBe(NOT_AUTHENTICATED);
    expect(documents.fetched).toHaveLength(fetches);
  },
  async keysAway() {
    publish({ jwks_uri: JWKS_URI });
    documents.publish(JWKS_URI, new DocumentUnavailable("answers 500"));
    expect(await answerTo()).toBe("503 temporarily_unavailable");
  },
  async keysGone() {
    publish({ jwks_uri: JWKS_URI });
    expect(await answerTo()).toBe(NOT_AUTHENTICATED);
  },
});
