import { expect } from "vitest";
import { loadConfig } from "../../shared/config.ts";
import { expectPage, jsonOf, refusalOf } from "../support/answers.ts";
import { useFacade } from "../support/facade.ts";
import { FakeDocuments } from "../support/fake-documents.ts";
import { ModernWire } from "../support/modern-wire.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { holdsEvery } from "../support/rules.ts";
import { approve } from "../support/sign-in.ts";
import { createTestApp, type TestAppOptions } from "../support/test-app.ts";
import { NOT_AUTHENTICATED } from "../support/token-request.ts";
import { mcpAuthorization } from "./mcp-authorization.ts";

/**
 * MCP 2026-07-28, authorization: what it asks of servers and authorization servers, by its pages. What a standard of
 * its own says in detail is in the file of that standard.
 */
const RULES = {
  // Overview
  codeAndPkce: "implements OAuth 2.1 for public clients (overview, 1)",
  confidentialClients: "implements OAuth 2.1 for confidential clients (overview, 1)",
  documents: "supports client-id metadata documents, and says so (overview, 2)",
  registration: "supports dynamic registration, which is deprecated (overview, 3)",
  preRegistered: "supports clients that are registered beforehand (client registration)",
  resourceMetadata:
    "publishes protected-resource metadata with authorization_servers (overview, 4)",
  discovery: "can be discovered by RFC 8414 and by OpenID Connect (overview, 5)",
  // Scope selection, scope challenges
  challenge: "names resource_metadata and scope in the challenge of a 401 (scope selection)",
  everyScopeAnnounced:
    "names every scope in the metadata of HTTP+SSE, not the fewest: its clients cannot step up (deviates: ADR 12)",
  insufficientScope:
    "answers a call that lacks a scope on the stream, and not with 403: HTTP+SSE clients cannot step up (deviates: ADR 12)",
  leastScopes: "asks for the fewest scopes at /mcp, whose clients can step up (scope selection)",
  stepUp:
    "answers a request to /mcp that lacks a scope with 403, all scopes and resource_metadata (scope challenges)",
  scopeHierarchy: "lets a broader scope do what a narrower one may (scope challenges)",
  offlineAccess:
    "offers offline_access nowhere, and gives refresh tokens without it (refresh tokens)",
  // Authorization responses
  iss: "names itself in authorization responses, errors included (response validation)",
  issAnnounced: "announces that it does (response validation)",
  // Resources
  resourceParameter: "honours resource at /authorize and /token (resource parameter)",
  canonicalResource:
    "takes a resource in capitals, and writes it without a trailing slash (canonical server URI)",
  // Access tokens
  everyRequest: "wants a token with every request, also within a connection (token requirements)",
  mcpTokens:
    "wants a token of its own, for it and in the header, at /mcp (token requirements, handling)",
  noQueryToken: "takes no token from the query string (token requirements)",
  invalidToken: "answers 401 to a token that is invalid, expired or for another (token handling)",
  validatedFirst: "checks the token before it looks at anything else (token handling)",
  ownTokensOnly: "accepts no tokens but its own (token handling)",
  noPassthrough: "passes no client's token on (token handling)",
  noSessionAuth: "authenticates nobody by a connection id (token handling)",
  statusCodes: "answers 401 without a token, 403 to what is not allowed, 400 to what is malformed",
  // Security considerations
  shortLived: "issues access tokens that live for an hour, unless told otherwise (token theft)",
  rotation: "rotates refresh tokens, and ends the family on reuse (token theft)",
  refreshRetry:
    "answers the previous refresh token once more, and the same, for 60 seconds (deviates: ADR 11)",
  https: "is served over https everywhere but on the own machine (communication security)",
  redirectSchemes:
    "accepts https, loopback and private-use redirect URIs (private-use deviates: ADR 4)",
  loopbackPorts: "accepts any port of a loopback redirect URI (deviates from exact strings: ADR 4)",
  pkceAnnounced: "announces PKCE in both documents, S256 only (authorization code protection)",
  badClientPage: "redirects nowhere for a wrong client or redirect URI (open redirection)",
  untrustedRedirect:
    "sends nobody to a site that anybody could have registered before they have seen a page (open redirection)",
  documentChecked:
    "takes a document for its own URL only, with all its fields (client registration)",
  documentUrls: "fetches no document from inside of a network (abuse protection)",
  localhostWarning:
    "warns of clients on this machine, and names the host (localhost redirect URIs)",
  consentFirst: "asks the person before anything goes to Entra (confused deputy)",
  // Transports
  origin: "answers browser origins that are allowed, and 403 to others (Streamable HTTP, security)",
} as const;

const facade = useFacade();
const shared = mcpAuthorization(facade);
const ID = "https://client.example/oauth/metadata.json";

const metadata = (name: string) =>
  facade.get(`/.well-known/${name}`).then((response) => jsonOf(response));
const authorize = (changes: Record<string, string | undefined> = {}) =>
  facade.app.fetch(facade.client.authorizationUrl(changes));

/** Another server, with other settings, and a client of it. */
function elsewhere(options: TestAppOptions, id = "") {
  const app = createTestApp({ entraUrl: facade.entra.url, ...options });
  const client = new OAuthTestClient(app.baseUrl, app.fetch);
  client.id = id;
  return { app, client };
}

function published(fields: Record<string, unknown> = {}) {
  const documents = new FakeDocuments();
  const document = { client_id: ID, client_name: "The app", redirect_uris: [REDIRECT_URI] };
  documents.publish(ID, { ...document, ...fields });
  return { documents, ...elsewhere({ fetchDocument: documents.fetch }, ID) };
}

const tokensFor = (path: string, scope: string) =>
  facade.client.tokens("alice", { resource: `${facade.app.baseUrl}${path}`, scope });

holdsEvery("MCP authorization (2026-07-28)", RULES, {
  ...shared,
  async confidentialClients() {
    const response = await facade.client.postJson("/register", {
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: "client_secret_post",
    });
    const { client_id: id, client_secret: secret } = await jsonOf(response);
    facade.client.id = String(id);
    const code = await facade.client.code();
    expect(await refusalOf(await facade.client.redeem(code))).toBe(NOT_AUTHENTICATED);
    const redeemed = await facade.client.redeem(code, { client_secret: String(secret) });
    expect(redeemed.status).toBe(200);
  },
  async documents() {
    for (const name of ["oauth-authorization-server", "openid-configuration"]) {
      expect(await metadata(name)).toHaveProperty("client_id_metadata_document_supported", true);
    }
    const tokens = await published().client.tokens();
    expect(tokens.scope).toBe("mcp user.read calendar.read");
  },
  async preRegistered() {
    const clients = [{ client_id: "known", redirect_uris: [REDIRECT_URI] }];
    const env = { REGISTERED_CLIENTS: JSON.stringify(clients) };
    expect((await elsewhere({ env }, "known").client.tokens()).token_type).toBe("Bearer");
  },
  async discovery() {
    const endpoints = { authorization_endpoint: expect.any(String) as string };
    for (const name of ["oauth-authorization-server", "openid-configuration"]) {
      expect(await metadata(name)).toMatchObject({ issuer: facade.app.baseUrl, ...endpoints });
    }
  },
  async everyScopeAnnounced() {
    expect(await metadata("oauth-protected-resource/sse")).toMatchObject({
      scopes_supported: ["mcp", "user.read", "calendar.read"],
    });
  },
  async leastScopes() {
    const { headers } = await new ModernWire(facade.app).send("tools/list");
    expect(headers.get("www-authenticate")).toMatch(/scope="mcp user\.read"$/);
    const resource = `${facade.app.baseUrl}/mcp`;
    expect((await facade.client.tokens("alice", { resource })).scope).toBe("mcp user.read");
  },
  async stepUp() {
    const { access_token: token } = await tokensFor("/mcp", "mcp user.read");
    const { status, headers } = await new ModernWire(facade.app, token).send("tools/call", {
      name: "listEvents",
      arguments: {},
    });
    expect(status).toBe(403);
    const challenge = headers.get("www-authenticate");
    expect(challenge).toContain('error="insufficient_scope"');
    expect(challenge).toContain('scope="mcp user.read calendar.read"');
    expect(challenge).toContain("/.well-known/oauth-protected-resource/mcp");
  },
  async mcpTokens() {
    const { access_token: own } = await tokensFor("/mcp", "mcp");
    const { access_token: forSse } = await tokensFor("/sse", "mcp");
    const foreign = facade.entra.issued().filter(({ kind }) => kind.endsWith("_token"));
    const refused = [undefined, forSse, ...foreign.map(({ value }) => value)];
    for (const token of refused) {
      expect((await new ModernWire(facade.app, token).send("tools/list")).status).toBe(401);
    }
    expect((await new ModernWire(facade.app, own).send("tools/list")).status).toBe(200);
    const query = new URL(`/mcp?access_token=${own}`, facade.app.baseUrl);
    expect((await facade.app.fetch(query, { method: "POST" })).status).toBe(401);
  },
  async scopeHierarchy() {
    const tokens = await facade.client.tokens("alice", { scope: "user.read" });
    expect(tokens.scope).toBe("mcp user.read");
    const stream = await EventStream.open(facade.app, tokens.access_token);
    // Needs `mcp` only, which was never asked for by name.
    expect((await stream.callTool("getSettings")).isError).toBeFalsy();
  },
  async offlineAccess() {
    const challenge = (await facade.get("/sse")).headers.get("www-authenticate");
    const documents = ["", "/sse", "/mcp"].map((path) => `oauth-protected-resource${path}`);
    const offers = [challenge, ...(await Promise.all(documents.map(metadata)))];
    for (const offer of offers) expect(JSON.stringify(offer)).not.toContain("offline_access");
    const tokens = await facade.client.tokens("alice", { scope: "mcp" });
    expect((await facade.client.refresh(tokens.refresh_token)).status).toBe(200);
  },
  async issAnnounced() {
    for (const name of ["oauth-authorization-server", "openid-configuration"]) {
      expect(await metadata(name)).toHaveProperty(
        "authorization_response_iss_parameter_supported",
        true,
      );
    }
  },
  async canonicalResource() {
    await expectPage(await authorize({ resource: "HTTP://LOCALHOST:7071/sse" }), 200);
    for (const path of ["", "/sse", "/mcp"]) {
      const { resource } = await metadata(`oauth-protected-resource${path}`);
      expect(resource).toBe(`http://localhost:7071${path}`);
    }
  },
  async everyRequest() {
    const { access_token: token } = await facade.client.tokens();
    const stream = await EventStream.open(facade.app, token);
    const ping = { jsonrpc: "2.0", id: 1, method: "ping" } as const;
    expect((await stream.post(ping)).status).toBe(202);
    expect((await stream.post(ping, facade.app, "none")).status).toBe(401);
  },
  async statusCodes() {
    expect((await facade.get("/sse")).status).toBe(401);
    expect((await facade.get("/sse", { origin: "https://evil.example" })).status).toBe(403);
    expect(await refusalOf(await facade.client.postForm("/token", {}))).toBe("400 invalid_request");
  },
  async shortLived() {
    expect((await facade.client.tokens()).expires_in).toBe(3_600);
  },
  async https() {
    const plain = { PUBLIC_BASE_URL: "http://mcp.example.com" };
    expect(() => loadConfig(plain)).toThrow("PUBLIC_BASE_URL");
    const { app } = elsewhere({ publicUrl: "https://mcp.example.com" });
    const response = await app.fetch(`${app.baseUrl}/.well-known/oauth-authorization-server`);
    expect(response.headers.get("strict-transport-security")).toMatch(/^max-age=\d{8}/);
    for (const [name, value] of Object.entries(await jsonOf(response))) {
      if (name.endsWith("_endpoint") || name === "jwks_uri") expect(value).toMatch(/^https:/);
    }
  },
  async pkceAnnounced() {
    for (const name of ["oauth-authorization-server", "openid-configuration"]) {
      expect(await metadata(name)).toMatchObject({ code_challenge_methods_supported: ["S256"] });
    }
  },
  async documentChecked() {
    for (const fault of [
      { client_id: "https://client.example/other" },
      { client_name: undefined },
      { redirect_uris: undefined },
    ]) {
      const { app, client } = published(fault);
      await expectPage(await app.fetch(client.authorizationUrl()), 400);
    }
    const { app, client } = published();
    const foreign = client.authorizationUrl({ redirect_uri: "https://evil.example/cb" });
    await expectPage(await app.fetch(foreign), 400);
  },
  async documentUrls() {
    const { app, client, documents } = published();
    for (const id of ["https://169.254.169.254/m", "https://localhost/m", "http://a.example/m"]) {
      client.id = id;
      await expectPage(await app.fetch(client.authorizationUrl()), 400);
    }
    expect(documents.fetched).toEqual([]);
  },
  async localhostWarning() {
    const { app, client } = published();
    const page = await expectPage(await app.fetch(client.authorizationUrl()), 200);
    expect(page).toContain("This app runs on this computer.");
    expect(page).toContain("<bdi>localhost:33418</bdi>");
  },
  async consentFirst() {
    const agent = facade.browser();
    await expectPage(await agent.get(facade.client.authorizationUrl()), 200);
    expect(facade.entra.requests()).toEqual({});
    const onward = await approve(agent, facade.client.authorizationUrl());
    expect(onward.origin).toBe(facade.entra.url);
  },
});
