import {
  OAuthMetadataSchema,
  OpenIdProviderDiscoveryMetadataSchema,
} from "@modelcontextprotocol/sdk/shared/auth.js";
import { expect } from "vitest";
import { jsonOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { holdsEvery } from "../support/rules.ts";

const RULES = {
  location: "answers at /.well-known/oauth-authorization-server with 200 and JSON (§3.1, §3.2)",
  issuer: "names the issuer that the document was found under, without query or fragment (§3.3)",
  schema: "has the shape that the MCP SDK reads (§2)",
  endpoints: "names endpoints of its own, and each of them answers (§2)",
  required: "announces response types, grants and client authentication (§2)",
  pkce: "announces S256 (MCP 2025-11-25, authorization code protection)",
  iss: "announces the iss parameter (RFC 9207 §3)",
  scopes: "announces its scopes, without openid and offline_access (MCP 2025-11-25)",
  onlyWhatWorks: "announces nothing that is not built",
  openid: "answers at openid-configuration in the shape that clients require (OpenID Discovery §3)",
  openidSame: "says the same there as in the OAuth document (§5)",
  publicOrigin: "takes its URLs from the configuration and not from the request",
  anyOrigin: "lets any web page read both documents",
  cacheable: "may be cached, and answers HEAD",
} as const;

const OAUTH = "/.well-known/oauth-authorization-server";
const OPENID = "/.well-known/openid-configuration";
const facade = useFacade();
const metadata = async (path = OAUTH) => jsonOf(await facade.get(path));

holdsEvery("RFC 8414, authorization server metadata", RULES, {
  async location() {
    const response = await facade.get(OAUTH);
    expect(response.status).toBe(200);
    await jsonOf(response);
  },
  async issuer() {
    expect((await metadata())["issuer"]).toBe(facade.app.baseUrl);
  },
  async schema() {
    const body = await metadata();
    expect(OAuthMetadataSchema.parse(body)).toEqual(body);
  },
  async endpoints() {
    const body = await metadata();
    const names = ["authorization_endpoint", "token_endpoint", "registration_endpoint", "jwks_uri"];
    for (const name of names) {
      const url = new URL(String(body[name]));
      expect(url.origin).toBe(facade.app.baseUrl);
      const { status } = await facade.app.fetch(url);
      // A page of its own, a document, or "use POST": never "not found".
      expect([200, 400, 405]).toContain(status);
    }
  },
  async required() {
    expect(await metadata()).toMatchObject({
      response_types_supported: ["code"],
      response_modes_supported: ["query"],
      grant_types_supported: ["authorization_code", "refresh_token"],
      token_endpoint_auth_methods_supported: ["none"],
    });
  },
  async pkce() {
    expect((await metadata())["code_challenge_methods_supported"]).toEqual(["S256"]);
  },
  async iss() {
    expect((await metadata())["authorization_response_iss_parameter_supported"]).toBe(true);
  },
  async scopes() {
    expect((await metadata())["scopes_supported"]).toEqual(["mcp", "user.read", "calendar.read"]);
  },
  async onlyWhatWorks() {
    for (const path of [OAUTH, OPENID]) {
      const body = await metadata(path);
      for (const name of [
        "client_id_metadata_document_supported",
        "introspection_endpoint",
        "userinfo_endpoint",
        "end_session_endpoint",
        "device_authorization_endpoint",
        "pushed_authorization_request_endpoint",
        "token_endpoint_auth_signing_alg_values_supported",
        "request_parameter_supported",
      ]) {
        expect(body).not.toHaveProperty(name);
      }
    }
  },
  async openid() {
    const body = await metadata(OPENID);
    expect(OpenIdProviderDiscoveryMetadataSchema.safeParse(body).error).toBeUndefined();
    expect(body).toMatchObject({
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
    });
  },
  async openidSame() {
    expect(await metadata(OPENID)).toMatchObject(await metadata());
  },
  async publicOrigin() {
    const response = await facade.get(OAUTH, {
      host: "127.0.0.1:9999",
      forwarded: "host=evil.example;proto=https",
      "x-forwarded-host": "evil.example",
      "x-forwarded-proto": "https",
    });
    expect(await response.text()).not.toMatch(/evil|9999/);
  },
  async anyOrigin() {
    for (const path of [OAUTH, OPENID]) {
      const response = await facade.get(path, { origin: "https://app.example" });
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.has("access-control-allow-credentials")).toBe(false);
    }
  },
  async cacheable() {
    const head = await facade.app.fetch(`${facade.app.baseUrl}${OAUTH}`, { method: "HEAD" });
    expect(head.headers.get("cache-control")).toBe("public, max-age=3600");
    expect([head.status, await head.text()]).toEqual([200, ""]);
  },
});
