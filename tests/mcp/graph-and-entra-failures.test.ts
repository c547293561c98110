import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { type ConnectedClient, connectAs } from "../support/sdk-client.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";

let entra: RunningEntra;
let app: TestApp;
let alice: ConnectedClient;

beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());
afterEach(async () => {
  await alice.close();
  entra.reset();
});

async function connect(): Promise<void> {
  app = createTestApp({ entraUrl: entra.url });
  alice = await connectAs(app.baseUrl, "alice", { fetch: app.fetch });
}

async function whoAmI(): Promise<{ failed: boolean; text: string }> {
  const result = await alice.client.callTool({ name: "getUserDetails", arguments: {} });
  return { failed: result.isError === true, text: JSON.stringify(result.content) };
}

async function statusOfNewStream(): Promise<number> {
  const authorization = `Bearer ${alice.provider.tokens()?.access_token}`;
  const response = await app.fetch(`${app.baseUrl}/sse`, { headers: { authorization } });
  await response.body?.cancel();
  return response.status;
}

describe("a tool call that needs Graph", () => {
  it.each([
    ["is throttled", { throttled: ["graph"] }, "busy"],
    ["fails", { serverError: ["graph"] }, "could not"],
  ] as const)("says so while Graph %s, and the session goes on", async (_what, switches, said) => {
    await connect();
    entra.set(structuredClone(switches) as object);
    const answer = await whoAmI();
    expect(answer.failed).toBe(true);
    expect(answer.text).toContain(said);
    entra.reset();
    expect(await whoAmI()).toMatchObject({ failed: false });
  });

  it("renews a token that has expired, silently", async () => {
    entra.set({ accessTokenSeconds: 1 });
    await connect();
    const before = entra.requests()["token.refresh_token"] ?? 0;
    expect(await whoAmI()).toMatchObject({ failed: false });
    expect(entra.requests()["token.refresh_token"] ?? 0).toBeGreaterThan(before);
  });

  it("says that Entra cannot be reached, and the session goes on, while Entra is away", async () => {
    entra.set({ accessTokenSeconds: 1 });
    await connect();
    entra.set({ throttled: ["token"] });
    const answer = await whoAmI();
    expect(answer.failed).toBe(true);
    expect(answer.text).toContain("cannot reach Microsoft Entra ID");
    entra.set({ throttled: [] });
    expect(await whoAmI()).toMatchObject({ failed: false });
  });

  it.each([
    ["the person was disabled", { userDisabled: ["alice"] }],
    ["the sign-in was revoked", { refreshTokensRevoked: ["alice"] }],
  ] as const)("ends the session at once where %s", async (_what, switches) => {
    entra.set({ accessTokenSeconds: 1 });
    await connect();
    entra.set(structuredClone(switches) as object);
    const answer = await whoAmI();
    expect(answer.failed).toBe(true);
    expect(answer.text).toContain("Connect this app again");
    expect(await statusOfNewStream()).toBe(401);
  });
});
