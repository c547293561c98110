import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { connectAs, reconnect } from "../support/sdk-client.ts";
import { approve, pickAccount } from "../support/sign-in.ts";
import { createTestApp } from "../support/test-app.ts";
import { location, UserAgent } from "../support/user-agent.ts";

let entra: RunningEntra;

beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());

it("a claims challenge of Graph's refuses the session's tokens until a new sign-in has met it", async () => {
  const app = createTestApp({ entraUrl: entra.url });
  const { client, provider, close } = await connectAs(app.baseUrl, "alice", {
    fetch: app.fetch,
  });
  entra.set({ claimsChallenge: ["alice"] });

  const refused = await client.callTool({ name: "getUserDetails", arguments: {} });
  expect(refused.isError).toBe(true);
  await close();

  // Every token of the session is refused, the refresh token too: the client has to sign in again.
  const tokens = provider.tokens();
  const authorization = `Bearer ${tokens?.access_token}`;
  expect((await app.fetch(`${app.baseUrl}/sse`, { headers: { authorization } })).status).toBe(401);
  const oauth = new OAuthTestClient(app.baseUrl, app.fetch);
  oauth.id = provider.clientInformation()?.client_id ?? "";
  const refresh = await oauth.refresh(tokens?.refresh_token ?? "");
  expect(await refresh.json()).toMatchObject({ error: "invalid_grant" });

  // Who it is shows only when they are back from Entra: then they are sent there once more, with the claims.
  const agent = new UserAgent(app.fetch);
  const first = await approve(agent, oauth.authorizationUrl());
  expect(first.search).not.toContain("acrs");
  const second = location(await agent.get(await pickAccount(agent, first, "alice")));
  expect(second.origin).toBe(entra.url);
  const back = location(await agent.get(await pickAccount(agent, second, "alice")));
  const response = await oauth.redeem(back.searchParams.get("code") ?? "");
  provider.saveTokens((await response.json()) as Parameters<typeof provider.saveTokens>[0]);

  const again = await reconnect(app.baseUrl, provider, app.fetch);
  const result = await again.client.callTool({ name: "getUserDetails", arguments: {} });
  expect(result.isError).toBeFalsy();
  await again.close();
});
