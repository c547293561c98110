import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { ACCOUNTS } from "../../tools/entra/directory.ts";
import { connectAs, reconnect } from "../support/sdk-client.ts";
import { type SecretlessStack, startSecretlessStack } from "../support/secretless-stack.ts";

vi.setConfig({ testTimeout: 20_000 });

let stack: SecretlessStack;
beforeAll(async () => {
  stack = await startSecretlessStack();
}, 60_000);
afterAll(() => stack.stop());

it("signs in, reaches Graph and refreshes with the managed identity alone", async () => {
  const { client, provider, close } = await connectAs(stack.baseUrl, "alice");
  const { displayName, mail } = ACCOUNTS.alice.profile;
  const { structuredContent } = await client.callTool({ name: "getUserDetails" });
  expect(structuredContent).toMatchObject({ displayName, mail });
  await close();

  const before = provider.tokens();
  const redeemed = stack.entra.requests()["token.refresh_token"] ?? 0;
  provider.authorizationUrl = undefined;
  provider.saveTokens({ ...provider.tokens(), access_token: "lost", token_type: "Bearer" });
  const again = await reconnect(stack.baseUrl, provider);
  expect(await again.client.callTool({ name: "getUserDetails" })).toMatchObject({
    structuredContent: { displayName, mail },
  });
  await again.close();
  expect(provider.tokens()?.refresh_token).not.toBe(before?.refresh_token);
  expect(provider.authorizationUrl).toBeUndefined();
  expect(stack.entra.requests()["token.refresh_token"]).toBeGreaterThan(redeemed);
  expect(stack.entra.requests()["managedIdentity"]).toBeGreaterThan(0);
});

it("runs its maintenance as the managed identity, on an instance of its own", async () => {
  await stack.host.runTimer("maintenance");
});

it("logs no token of the identity", () => {
  const tokens = stack.entra.issued().filter(({ kind }) => kind === "client_assertion");
  expect(tokens).not.toEqual([]);
  for (const { value } of tokens) expect(stack.log.join("\n")).not.toContain(value);
});
