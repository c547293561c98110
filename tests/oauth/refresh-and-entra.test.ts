import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { GUEST_TENANT, HOME_TENANT } from "../../tools/entra/directory.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";

let entra: RunningEntra;
let app: TestApp;
let client: OAuthTestClient;
let tokens: TokenResponse;

beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());
afterEach(() => entra.reset());

async function signedIn(env: Record<string, string> = {}): Promise<void> {
  app = createTestApp({ entraUrl: entra.url, env });
  client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
  tokens = await client.tokens("alice");
}

function refreshesAtEntra(): number {
  return entra.requests()["token.refresh_token"] ?? 0;
}

describe("simultaneous refreshes with one token", () => {
  it("give the answers of one rotation and make one call to Entra, on one instance", async () => {
    await signedIn();
    const before = refreshesAtEntra();
    const responses = await Promise.all(
      Array.from({ length: 50 }, () => client.refresh(tokens.refresh_token)),
    );
    const answers = await Promise.all(responses.map((response) => response.text()));
    expect(responses.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(new Set(answers).size).toBe(1);
    expect(refreshesAtEntra() - before).toBe(1);
  });

  it("do so on three instances too", async () => {
    const store = new MemoryStore();
    const apps = [1, 2, 3].map(() => createTestApp({ entraUrl: entra.url, store }));
    const clients = apps.map(({ baseUrl, fetch }) => new OAuthTestClient(baseUrl, fetch));
    const [first] = clients;
    if (first === undefined) throw new Error("no client");
    const issued = await first.tokens();
    const before = refreshesAtEntra();
    const responses = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        (clients[n % 3] ?? first).refresh(issued.refresh_token, { client_id: first.id }),
      ),
    );
    const answers = await Promise.all(responses.map((response) => response.text()));
    expect(new Set(answers).size).toBe(1);
    expect(JSON.parse(answers[0] ?? "")).toHaveProperty("access_token");
    expect(refreshesAtEntra() - before).toBe(1);
  });
});

// What Entra may say to it, and what becomes of the session: tests/entra/what-clients-see.test.ts.
describe("a refresh asks Entra whether it still stands behind the session", () => {
  beforeEach(() => signedIn());

  it("asks for a refresh that was answered before only once", async () => {
    await client.refresh(tokens.refresh_token);
    const before = refreshesAtEntra();
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200);
    expect(refreshesAtEntra()).toBe(before);
  });
});

describe("REQUIRED_APP_ROLE", () => {
  const env = { REQUIRED_APP_ROLE: "Mcp.Admin" };

  it("lets in who has the role", async () => {
    app = createTestApp({ entraUrl: entra.url, env });
    client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
    const issued = await client.tokens("admin");
    expect((await client.refresh(issued.refresh_token)).status).toBe(200);
  });

  it("answers access_denied to who has not", async () => {
    await expect(signedIn(env)).rejects.toThrow("error=access_denied");
  });
});

describe("ENTRA_ALLOWED_TENANTS", () => {
  it("answers access_denied to a person of another tenant", async () => {
    const env = { ENTRA_ALLOWED_TENANTS: GUEST_TENANT.id };
    await expect(signedIn(env)).rejects.toThrow("error=access_denied");
  });

  it("lets in the people of each tenant of a list, and nobody else's", async () => {
    const tenants = [HOME_TENANT.id, "11111111-2222-4333-8444-555555555555"];
    const ENTRA_TENANT_ID = "organizations";
    await signedIn({ ENTRA_TENANT_ID, ENTRA_ALLOWED_TENANTS: tenants.join(",") });
    await expect(client.tokens("guest")).rejects.toThrow("error=access_denied");
    await signedIn({
      ENTRA_TENANT_ID,
      ENTRA_ALLOWED_TENANTS: [...tenants, GUEST_TENANT.id].join(","),
    });
    expect((await client.tokens("guest")).access_token).toBeTruthy();
  });

  it("lets in people of every organisation with *", async () => {
    app = createTestApp({
      entraUrl: entra.url,
      env: { ENTRA_TENANT_ID: "organizations", ENTRA_ALLOWED_TENANTS: "*" },
    });
    client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
    expect((await client.tokens("guest")).access_token).toBeTruthy();
    expect((await client.tokens("alice")).access_token).toBeTruthy();
  });
});
