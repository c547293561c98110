import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { connectAs, reconnect, type TestProvider } from "../support/sdk-client.ts";

// Whole systems start here, and a busy machine takes its time over that.
vi.setConfig({ testTimeout: 20_000 });

let stack: LocalStack;

beforeAll(async () => {
  stack = await startLocalStack({ env: { ACCESS_TOKEN_TTL: "1" } });
}, 60_000);
afterAll(() => stack.stop());

it.concurrent(
  "a client whose access token has expired refreshes within its connection and goes on",
  async () => {
    const { client, provider, close } = await connectAs(stack.baseUrl, "alice");
    const before = await expired(provider);
    provider.authorizationUrl = undefined;
    const result = await client.callTool({ name: "getUserDetails" });
    expect(result.structuredContent).toMatchObject({ mail: "alice@contoso.example" });
    expect(provider.tokens()?.access_token).not.toBe(before?.access_token);
    expect(provider.tokens()?.refresh_token).not.toBe(before?.refresh_token);
    expect(provider.authorizationUrl).toBeUndefined();
    await close();
  },
);

it.concurrent(
  "a client that comes back with an expired access token connects without a new sign-in",
  async () => {
    const first = await connectAs(stack.baseUrl, "bob");
    await first.close();
    await expired(first.provider);
    first.provider.authorizationUrl = undefined;
    const { client, provider, close } = await reconnect(stack.baseUrl, first.provider);
    const result = await client.callTool({ name: "getUserDetails" });
    expect(result.structuredContent).toMatchObject({ mail: "bob@contoso.example" });
    expect(provider.authorizationUrl).toBeUndefined();
    await close();
  },
);

it.concurrent(
  "20 calls at once with an expired access token, each of which refreshes, all succeed",
  async () => {
    const { client, provider, close } = await connectAs(stack.baseUrl, "alice");
    await expired(provider);
    provider.authorizationUrl = undefined;
    const results = await Promise.all(
      Array.from({ length: 20 }, () => client.callTool({ name: "getUserDetails" })),
    );
    for (const { structuredContent } of results) {
      expect(structuredContent).toMatchObject({ mail: "alice@contoso.example" });
    }
    expect(provider.authorizationUrl).toBeUndefined();
    await close();
  },
);

/** Waits until the access token has expired. @returns The tokens. */
async function expired(provider: TestProvider) {
  const tokens = provider.tokens();
  const { exp = 0 } = decodeJwt(tokens?.access_token ?? "");
  await expect.poll(() => Date.now(), { timeout: 3_000 }).toBeGreaterThan((exp + 1) * 1000);
  return tokens;
}
