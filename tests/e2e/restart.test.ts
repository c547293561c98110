import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { crashAndRestart } from "../support/crash.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { connectAs, reconnect } from "../support/sdk-client.ts";

const MAIL = { mail: "alice@contoso.example" };

let stack: LocalStack;

beforeAll(async () => {
  stack = await startLocalStack();
}, 60_000);
afterAll(() => stack.stop());

describe("an instance that was killed and started again on the same tables", () => {
  it("takes the access token from before, reaches Graph, and refreshes, without a new sign-in", async () => {
    const { provider, close } = await connectAs(stack.baseUrl, "alice");
    await close();
    const before = provider.tokens();
    provider.authorizationUrl = undefined;
    const signIns = stack.entra.requests()["signIn"];

    await crashAndRestart(stack);
    const again = await reconnect(stack.baseUrl, provider);
    expect(await again.client.callTool({ name: "getUserDetails" })).toMatchObject({
      structuredContent: MAIL,
    });
    expect(provider.tokens()).toEqual(before);
    await again.close();

    provider.saveTokens({ ...provider.tokens(), access_token: "lost", token_type: "Bearer" });
    const refreshed = await reconnect(stack.baseUrl, provider);
    expect(await refreshed.client.callTool({ name: "getUserDetails" })).toMatchObject({
      structuredContent: MAIL,
    });
    expect(provider.tokens()?.refresh_token).not.toBe(before?.refresh_token);
    expect(provider.authorizationUrl).toBeUndefined();
    expect(stack.entra.requests()["signIn"]).toBe(signIns);
    await refreshed.close();
  });

  it("serves a client that was connected: its stream reconnects and its calls go on", async () => {
    const { client, provider, close } = await connectAs(stack.baseUrl, "alice");
    provider.authorizationUrl = undefined;
    await crashAndRestart(stack);
    // Calls fail until the client has its new stream: the SDK waits 3 s before it reconnects.
    const call = () => client.callTool({ name: "getUserDetails" }, undefined, { timeout: 1_000 });
    await expect
      .poll(() => call().catch(String), { timeout: 10_000, interval: 200 })
      .toMatchObject({ structuredContent: MAIL });
    expect(provider.authorizationUrl).toBeUndefined();
    await close();
  });
}, 20_000);
