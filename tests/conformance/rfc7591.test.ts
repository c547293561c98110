import { OAuthClientInformationFullSchema } from "@modelcontextprotocol/sdk/shared/auth.js";
import { expect } from "vitest";
import { expectPage, jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { holdsEvery } from "../support/rules.ts";

const RULES = {
  created: "answers 201 with JSON that may not be stored (§3.2.1)",
  schema: "answers in the shape that the MCP SDK reads (§3.2.1)",
  uniqueId: "gives every registration a client_id of its own (§3.2.1)",
  issuedAt: "says when the client_id was issued, in seconds (§3.2.1)",
  noSecret: "gives a public client no secret, and no expiry of one (§3.2.1)",
  registeredMetadata: "returns all metadata that holds, also what it has replaced (§3.2.1)",
  unknownIgnored: "ignores metadata that it does not know (§2)",
  redirectRequired: "requires redirect URIs of a client that uses redirects (§2)",
  invalidRedirect: "refuses a redirect URI with invalid_redirect_uri (§3.2.2)",
  invalidMetadata: "refuses other metadata with invalid_client_metadata (§3.2.2)",
  fragment: "refuses a redirect URI with a fragment (RFC 6749 §3.1.2)",
  privateScheme:
    "accepts private-use schemes, with or without a dot (RFC 8252 §7.1; deviates from MCP: ADR 4)",
  dangerousScheme: "refuses schemes that a browser itself acts on (§5)",
  usable: "makes a client that can be used at once (§3.2.1)",
  open: "is open: no initial access token is needed, and one does no harm (§3)",
} as const;

const facade = useFacade();
const URIS = ["https://app.example/cb"];
const register = (metadata: Record<string, unknown>) =>
  facade.client.postJson("/register", metadata);

holdsEvery("RFC 7591, dynamic client registration", RULES, {
  async created() {
    const response = await register({ redirect_uris: URIS });
    expect(response.status).toBe(201);
    expect(response.headers.get("cache-control")).toBe("no-store");
    await jsonOf(response);
  },
  async schema() {
    const body = await jsonOf(await register({ redirect_uris: URIS, client_name: "App" }));
    expect(OAuthClientInformationFullSchema.parse(body)).toEqual(body);
  },
  async uniqueId() {
    const ids = [
      (await jsonOf(await register({ redirect_uris: URIS })))["client_id"],
      (await jsonOf(await register({ redirect_uris: URIS })))["client_id"],
    ];
    expect(new Set(ids).size).toBe(2);
  },
  async issuedAt() {
    expect(await jsonOf(await register({ redirect_uris: URIS }))).toMatchObject({
      client_id_issued_at: Math.floor(facade.app.clock.now() / 1000),
    });
  },
  async noSecret() {
    const body = await jsonOf(
      await register({ redirect_uris: URIS, token_endpoint_auth_method: "none" }),
    );
    expect(body).not.toHaveProperty("client_secret");
    expect(body).not.toHaveProperty("client_secret_expires_at");
  },
  async registeredMetadata() {
    const asked = {
      redirect_uris: [...URIS, "http://localhost/cb"],
      client_name: "App",
      client_uri: "https://app.example",
      grant_types: ["implicit"],
    };
    expect(await jsonOf(await register(asked))).toMatchObject({
      redirect_uris: asked.redirect_uris,
      client_name: "App",
      client_uri: "https://app.example",
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
    });
  },
  async unknownIgnored() {
    const response = await register({ redirect_uris: URIS, "x-future": { a: 1 } });
    expect(response.status).toBe(201);
    expect(await jsonOf(response)).not.toHaveProperty("x-future");
  },
  async redirectRequired() {
    expect(await refusalOf(await register({ client_name: "App" }))).toBe(
      "400 invalid_redirect_uri",
    );
    expect(await refusalOf(await register({ redirect_uris: [] }))).toBe("400 invalid_redirect_uri");
  },
  async invalidRedirect() {
    expect(await refusalOf(await register({ redirect_uris: ["http://app.example/cb"] }))).toBe(
      "400 invalid_redirect_uri",
    );
  },
  async invalidMetadata() {
    const response = await register({ redirect_uris: URIS, response_types: ["token"] });
    expect(await refusalOf(response)).toBe("400 invalid_client_metadata");
  },
  async fragment() {
    expect(await refusalOf(await register({ redirect_uris: [`${URIS[0]}#x`] }))).toBe(
      "400 invalid_redirect_uri",
    );
  },
  async privateScheme() {
    for (const uri of ["cursor://anysphere/cb", "com.example.app:/cb", "vscode://host/cb"]) {
      expect((await register({ redirect_uris: [uri] })).status).toBe(201);
    }
  },
  async dangerousScheme() {
    for (const uri of ["javascript:x", "data:text/html,x", "file:///x", "vbscript:x", "ws://x/"]) {
      expect(await refusalOf(await register({ redirect_uris: [uri] }))).toBe(
        "400 invalid_redirect_uri",
      );
    }
  },
  async usable() {
    await facade.client.register({ redirect_uris: URIS });
    const url = facade.client.authorizationUrl({ redirect_uri: URIS[0] });
    await expectPage(await facade.app.fetch(url), 200);
  },
  async open() {
    const response = await facade.app.fetch(`${facade.app.baseUrl}/register`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer x" },
      body: JSON.stringify({ redirect_uris: URIS }),
    });
    expect(response.status).toBe(201);
  },
});
