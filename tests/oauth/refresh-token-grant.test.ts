import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";

let entra: RunningEntra;
let app: TestApp;
let client: OAuthTestClient;

beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());
beforeEach(async () => {
  app = createTestApp({ entraUrl: entra.url });
  client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
});

describe("the refresh token grant", () => {
  it("replaces the refresh token at each use (OAuth 2.1 §4.3.1)", async () => {
    const first = await client.tokens();
    const response = await client.refresh(first.refresh_token);
    expect(response.status).toBe(200);
    const second = (await response.json()) as typeof first;
    expect(second.refresh_token).not.toBe(first.refresh_token);
  });

  it("gives the same answer again to a retry within 60 seconds", async () => {
    const { refresh_token: token } = await client.tokens();
    const first: unknown = await (await client.refresh(token)).json();
    app.clock.advance({ seconds: 59 });
    const again = await client.refresh(token);
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual(first);
  });

  it("ends the session when an old token comes after that (OAuth 2.1 §4.3.1)", async () => {
    const { refresh_token: token } = await client.tokens();
    const { refresh_token: next } = (await (await client.refresh(token)).json()) as {
      refresh_token: string;
    };
    app.clock.advance({ seconds: 61 });
    const reuse = await client.refresh(token);
    expect(reuse.status).toBe(400);
    expect(await reuse.json()).toMatchObject({ error: "invalid_grant" });
    expect((await client.refresh(next)).status).toBe(400);
  });
});
