import { describe, expect, it } from "vitest";
import { configuredClients } from "../../../shared/oauth/clients/configured-clients.ts";
import { jsonOf, refusalOf } from "../../support/answers.ts";
import { createTestApp } from "../../support/test-app.ts";

const SECRET = "a-secret-of-the-operator+%";
const URIS = ["https://client.example/cb"];
const start = (clients: unknown) =>
  createTestApp({ env: { REGISTERED_CLIENTS: JSON.stringify(clients) } });

describe("REGISTERED_CLIENTS", () => {
  it("is empty by default", () => {
    expect(createTestApp().app.config.registeredClients).toEqual([]);
  });

  it("names clients that are known without registering", async () => {
    const { app, fetch, baseUrl } = start([
      { client_id: "claude-ai", client_name: "Claude", redirect_uris: URIS },
    ]);
    expect(app.config.registeredClients).toMatchObject([
      { id: "claude-ai", name: "Claude", authentication: { method: "none" } },
    ]);
    const url = new URL("/authorize", baseUrl);
    url.search = new URLSearchParams({
      response_type: "code",
      client_id: "claude-ai",
      code_challenge: "x".repeat(43),
      code_challenge_method: "S256",
    }).toString();
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("Claude");
  });

  it("makes a client with a secret authenticate, and keeps only a hash", async () => {
    const { app, fetch, baseUrl } = start([
      { client_id: "backend", client_secret: SECRET, redirect_uris: URIS },
    ]);
    expect(JSON.stringify(app.config.registeredClients)).not.toContain(SECRET);
    const post = (headers: Record<string, string>) =>
      fetch(`${baseUrl}/token`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
        body: new URLSearchParams({
          grant_type: "authorization_code",
          client_id: "backend",
          code: "x",
          code_verifier: "x".repeat(43),
        }),
      });
    expect(await refusalOf(await post({}))).toBe("401 invalid_client");
    const encoded = `backend:${encodeURIComponent(SECRET)}`;
    for (const credentials of [encoded, `backend:${SECRET}`]) {
      const authorization = `Basic ${btoa(credentials)}`;
      expect(await jsonOf(await post({ authorization }))).toMatchObject({ error: "invalid_grant" });
    }
  });

  it.each([
    ["no JSON", "{", "must be a JSON array"],
    ["an object", "{}", "must be a JSON array"],
    ["no client_id", [{ redirect_uris: URIS }], "[0] client_id"],
    ["a client_id with a colon", [{ client_id: "a:b", redirect_uris: URIS }], "[0] client_id"],
    ["no redirect URIs", [{ client_id: "a" }], "[0] redirect_uris"],
    [
      "a bad redirect URI",
      [{ client_id: "a", redirect_uris: ["http://x.example"] }],
      "[0] redirect_uris.0",
    ],
    [
      "a short secret",
      [{ client_id: "a", redirect_uris: URIS, client_secret: "short" }],
      "[0] client_secret",
    ],
    [
      "a secret for none",
      [
        {
          client_id: "a",
          redirect_uris: URIS,
          client_secret: SECRET,
          token_endpoint_auth_method: "none",
        },
      ],
      "[0] client_secret: none has none",
    ],
    [
      "no secret for client_secret_post",
      [{ client_id: "a", redirect_uris: URIS, token_endpoint_auth_method: "client_secret_post" }],
      "[0] client_secret: client_secret_post needs one",
    ],
    [
      "the same client twice",
      [
        { client_id: "a", redirect_uris: URIS },
        { client_id: "a", redirect_uris: URIS },
      ],
      "[1] client_id: is there twice",
    ],
  ])("stops the start with %s", (_what, value, message) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    expect(() => createTestApp({ env: { REGISTERED_CLIENTS: text } })).toThrow(
      `REGISTERED_CLIENTS: ${message}`,
    );
  });

  it("names every fault at once, and no secret in any of them", () => {
    const value = [
      { client_id: "a", client_secret: "short-secret", redirect_uris: URIS },
      { client_id: SECRET, client_secret: SECRET, redirect_uris: ["x"] },
      { client_secret: SECRET, token_endpoint_auth_method: SECRET, redirect_uris: URIS },
    ];
    for (const text of [JSON.stringify(value), JSON.stringify(value).slice(0, -1)]) {
      const faults = configuredClients.safeParse(text).error?.issues ?? [];
      expect(faults.length).toBe(text.endsWith("]") ? 3 : 1);
      expect(JSON.stringify(faults)).not.toMatch(/short-secret|operator/);
    }
  });
});
