import { describe, expect, it } from "vitest";
import { DocumentRefused } from "../../../shared/oauth/clients/document-fetch.ts";
import { parseMetadataDocument } from "../../../shared/oauth/clients/metadata-document.ts";

const URL = "https://client.example/oauth/metadata.json";
const VALID = { client_id: URL, client_name: "App", redirect_uris: ["https://client.example/cb"] };
const JWKS = { keys: [{ kty: "EC", crv: "P-256", x: "x", y: "y" }] };

describe("a client-id metadata document", () => {
  it("describes a public client, where it names no method", () => {
    expect(parseMetadataDocument(URL, VALID)).toEqual({
      id: URL,
      name: "App",
      uri: undefined,
      redirectUris: VALID.redirect_uris,
      authentication: { method: "none" },
      host: "client.example",
    });
  });

  it.each([
    ["jwks", { jwks: JWKS }, { jwks: JWKS }],
    [
      "jwks_uri",
      { jwks_uri: "https://keys.example/jwks.json" },
      { jwksUri: "https://keys.example/jwks.json" },
    ],
  ])("may use private_key_jwt with %s", (_what, metadata, keys) => {
    const method = "private_key_jwt";
    const body = { ...VALID, ...metadata, token_endpoint_auth_method: method };
    expect(parseMetadataDocument(URL, body).authentication).toMatchObject({ method, keys });
  });

  it.each([
    ["no client_id", { client_id: undefined }],
    ["the client_id of another document", { client_id: "https://client.example/other" }],
    [
      "its client_id in another spelling",
      { client_id: "https://CLIENT.example/oauth/metadata.json" },
    ],
    ["a client_secret", { client_secret: "s" }],
    ["a client_secret_expires_at", { client_secret_expires_at: 0 }],
    ["client_secret_basic", { token_endpoint_auth_method: "client_secret_basic" }],
    ["client_secret_post", { token_endpoint_auth_method: "client_secret_post" }],
    ["client_secret_jwt", { token_endpoint_auth_method: "client_secret_jwt" }],
    ["no client_name", { client_name: undefined }],
    ["an empty client_name", { client_name: " " }],
    ["no redirect URIs", { redirect_uris: undefined }],
    ["a dangerous redirect URI", { redirect_uris: ["javascript:alert(1)"] }],
    ["a redirect URI over http", { redirect_uris: ["http://client.example/cb"] }],
    ["private_key_jwt without keys", { token_endpoint_auth_method: "private_key_jwt" }],
    [
      "keys twice",
      {
        token_endpoint_auth_method: "private_key_jwt",
        jwks: JWKS,
        jwks_uri: "https://keys.example/jwks.json",
      },
    ],
    [
      "a private key",
      {
        token_endpoint_auth_method: "private_key_jwt",
        jwks: { keys: [{ ...JWKS.keys[0], d: "d" }] },
      },
    ],
    [
      "a symmetric key",
      { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [{ kty: "oct", k: "k" }] } },
    ],
    [
      "a jwks_uri inside of our network",
      { token_endpoint_auth_method: "private_key_jwt", jwks_uri: "https://169.254.169.254/jwks" },
    ],
    [
      "a symmetric signing algorithm",
      {
        token_endpoint_auth_method: "private_key_jwt",
        jwks: JWKS,
        token_endpoint_auth_signing_alg: "HS256",
      },
    ],
  ])("may not have %s", (_what, changes) => {
    expect(() => parseMetadataDocument(URL, { ...VALID, ...changes })).toThrow(DocumentRefused);
  });

  it.each([
    ["an array", []],
    ["a text", "x"],
    ["null", null],
  ])("may not be %s", (_what, body) => {
    expect(() => parseMetadataDocument(URL, body)).toThrow(DocumentRefused);
  });
});
