import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { DocumentClients } from "../../shared/oauth/clients/document-clients.ts";
import { DocumentRefused, DocumentUnavailable } from "../../shared/oauth/clients/document-fetch.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { textOf } from "../http/pages/markup.ts";
import { expectPage, refusalOf } from "../support/answers.ts";
import { FakeDocuments } from "../support/fake-documents.ts";
import { OAuthTestClient, REDIRECT_URI } from "../support/oauth-client.ts";
import { holdsEvery } from "../support/rules.ts";
import { SigningClient } from "../support/signing-client.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { AUTHENTICATED, NOT_AUTHENTICATED, tokenRequest } from "../support/token-request.ts";

const RULES = {
  announced: "says in its metadata that it reads such documents (§5; MCP 2025-11-25)",
  signsIn: "signs a person in without any registration, and refreshes (§1)",
  signsInWithKey: "signs a person in with private_key_jwt (§4.2)",
  codeBound: "binds a code to the client id that it was given to (RFC 6749 §4.1.3)",
  host: "shows the host of the client id on the consent page (§6.4; MCP 2025-11-25)",
  loopbackWarning: "warns when such a client is on this computer (MCP 2025-11-25)",
  redirectUri: "sends a code only to a redirect URI of the document (§6.1)",
  changedRedirect: "goes by the document as it is now, once its time is over (§4.3)",
  ownClientId: "refuses a document with another client_id (§4)",
  requiredFields: "refuses a document without client_name or redirect_uris (MCP 2025-11-25)",
  sharedSecret: "refuses a document with a shared secret (§4.2)",
  refusedPage: "tells the person what is wrong with the document, and redirects nowhere (§4.4)",
  refusedToken: "refuses the client at /token when its document is gone (§4.4)",
  outage: "is not invalid_client while the document cannot be read",
  noFetch: "fetches nothing for a client id that is no proper URL (§3)",
  ownServer: "fetches nothing from itself",
  cached: "fetches a document once for a whole sign-in (§4.3)",
  oncePerPause:
    "leaves a URL alone for 30 seconds after a failure (§6.5; deviates from caching no errors: ADR 10)",
  unusedRegistration: "needs no table for such a client",
} as const;

const ID = "https://client.example/oauth/metadata.json";

let entra: RunningEntra;
let documents: FakeDocuments;
let app: TestApp;
let client: OAuthTestClient;

beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());
beforeEach(() => {
  documents = new FakeDocuments();
  app = createTestApp({ entraUrl: entra.url, fetchDocument: documents.fetch });
  client = new OAuthTestClient(app.baseUrl, app.fetch);
  client.id = ID;
  publish();
});

function publish(metadata: Record<string, unknown> = {}): void {
  documents.publish(ID, {
    client_id: ID,
    client_name: "The app",
    redirect_uris: [REDIRECT_URI],
    ...metadata,
  });
}

const consent = async (changes: Record<string, string> = {}) =>
  app.fetch(client.authorizationUrl(changes));

holdsEvery("Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document)", RULES, {
  async announced() {
    for (const path of ["oauth-authorization-server", "openid-configuration"]) {
      const response = await app.fetch(`${app.baseUrl}/.well-known/${path}`);
      expect(await response.json()).toMatchObject({
        client_id_metadata_document_supported: true,
        token_endpoint_auth_methods_supported: [
          "none",
          "client_secret_basic",
          "client_secret_post",
          "private_key_jwt",
        ],
      });
    }
  },
  async signsIn() {
    const tokens = await client.tokens();
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200);
  },
  async signsInWithKey() {
    const signer = await SigningClient.create();
    publish({
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [signer.publicKey] },
    });
    const code = await client.code();
    expect(await refusalOf(await client.redeem(code))).toBe(NOT_AUTHENTICATED);
    const credentials = () => signer.credentials(ID, app.baseUrl, app.clock);
    const response = await client.redeem(code, { client_id: undefined, ...(await credentials()) });
    expect(response.status).toBe(200);
    const { refresh_token: token } = (await response.json()) as { refresh_token: string };
    expect(await refusalOf(await client.refresh(token))).toBe(NOT_AUTHENTICATED);
    expect((await client.refresh(token, await credentials())).status).toBe(200);
  },
  async codeBound() {
    const other = "https://other.example/m";
    documents.publish(other, {
      client_id: other,
      client_name: "Other",
      redirect_uris: [REDIRECT_URI],
    });
    const code = await client.code();
    expect(await refusalOf(await client.redeem(code, { client_id: other }))).toBe(
      "400 invalid_grant",
    );
  },
  async host() {
    const text = textOf(await expectPage(await consent(), 200));
    expect(text).toContain("calls itself The app");
    expect(text).toContain("Published by (verified) client.example");
  },
  async loopbackWarning() {
    publish({ redirect_uris: [REDIRECT_URI, "https://client.example/cb"] });
    const warning = "This app runs on this computer.";
    expect(await expectPage(await consent(), 200)).toContain(warning);
    const elsewhere = await consent({ redirect_uri: "https://client.example/cb" });
    expect(await expectPage(elsewhere, 200)).not.toContain(warning);
  },
  async redirectUri() {
    await expectPage(await consent({ redirect_uri: "https://evil.example/cb" }), 400);
  },
  async changedRedirect() {
    await expectPage(await consent(), 200);
    publish({ redirect_uris: ["https://client.example/new"] });
    app.clock.advance({ seconds: 60 });
    await expectPage(await consent(), 400);
    await expectPage(await consent({ redirect_uri: "https://client.example/new" }), 200);
  },
  async ownClientId() {
    publish({ client_id: "https://client.example/other" });
    await expectPage(await consent(), 400);
    expect(await refusalOf(await tokenRequest(app, { client_id: ID }))).toBe(NOT_AUTHENTICATED);
  },
  async requiredFields() {
    for (const field of ["client_name", "redirect_uris"]) {
      publish({ [field]: undefined });
      await expectPage(await consent(), 400);
      app.clock.advance({ seconds: 30 });
    }
  },
  async sharedSecret() {
    for (const metadata of [
      { client_secret: "s" },
      { token_endpoint_auth_method: "client_secret_basic" },
      { token_endpoint_auth_method: "client_secret_post" },
    ]) {
      publish(metadata);
      await expectPage(await consent(), 400);
      app.clock.advance({ seconds: 30 });
    }
  },
  async refusedPage() {
    publish({ redirect_uris: ["javascript:alert(1)"] });
    const markup = await expectPage(await consent(), 400);
    expect(textOf(markup)).toContain("The document at client_id is not valid: redirect_uris");
  },
  async refusedToken() {
    const { refresh_token: token } = await client.tokens();
    documents.publish(ID, new DocumentRefused("answers 404"));
    app.clock.advance({ seconds: 60 });
    expect(await refusalOf(await client.refresh(token))).toBe(NOT_AUTHENTICATED);
  },
  async outage() {
    documents.publish(ID, new DocumentUnavailable("cannot be reached right now"));
    await expectPage(await consent(), 503);
    const response = await tokenRequest(app, { client_id: ID });
    expect(response.headers.get("retry-after")).toBe("30");
    expect(await refusalOf(response)).toBe("503 temporarily_unavailable");
  },
  async noFetch() {
    for (const id of [
      "https://client.example",
      "https://client.example/a/../m",
      "https://client.example/m#x",
      "https://user@client.example/m",
      "https://client.example:8443/m",
      "https://127.0.0.1/m",
      "https://0x7f000001/m",
      "https://[::ffff:169.254.169.254]/m",
      "https://169.254.169.254/metadata",
      "https://localhost/m",
      "https://vault.internal/m",
      "http://client.example/m",
    ]) {
      await expectPage(await consent({ client_id: id }), 400);
      expect(await refusalOf(await tokenRequest(app, { client_id: id }))).toBe(NOT_AUTHENTICATED);
    }
    expect(documents.fetched).toEqual([]);
  },
  async ownServer() {
    const clients = new DocumentClients({
      fetchDocument: documents.fetch,
      clock: app.clock,
      issuer: "https://mcp.example",
    });
    await expect(clients.find("https://mcp.example/authorize?client_id=x")).rejects.toMatchObject({
      code: "invalid_client",
    });
    expect(documents.fetched).toEqual([]);
  },
  async cached() {
    await client.tokens();
    expect(documents.fetched).toEqual([ID]);
  },
  async oncePerPause() {
    const unknown = "https://client.example/unknown";
    for (let n = 0; n < 5; n++) {
      expect(await refusalOf(await tokenRequest(app, { client_id: unknown }))).toBe(
        NOT_AUTHENTICATED,
      );
    }
    expect(documents.fetched).toEqual([unknown]);
    app.clock.advance({ seconds: 30 });
    await tokenRequest(app, { client_id: unknown });
    expect(documents.fetched).toHaveLength(2);
  },
  async unusedRegistration() {
    expect(await refusalOf(await tokenRequest(app, { client_id: ID }))).toBe(AUTHENTICATED);
    const row = { partition: ID, row: "registration" };
    expect(await app.store.get("clients", row)).toBeUndefined();
  },
});
