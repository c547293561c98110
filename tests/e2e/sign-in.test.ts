import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ACCOUNTS } from "../../tools/entra/directory.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { connectAs } from "../support/sdk-client.ts";

// Whole systems start here, and a busy machine takes its time over that.
vi.setConfig({ testTimeout: 20_000 });

let stack: LocalStack;

beforeAll(async () => {
  stack = await startLocalStack();
}, 60_000);
afterAll(() => stack.stop());

describe("a client that has never seen the server", () => {
  it.each(["alice", "bob"] as const)("signs in as %s and is told who that is", async (account) => {
    const { client, close } = await connectAs(stack.baseUrl, account);
    const { displayName, mail } = ACCOUNTS[account].profile;
    const result = await client.callTool({ name: "getUserDetails", arguments: {} });
    expect(result.isError).toBeFalsy();
    expect(result.structuredContent).toMatchObject({ displayName, mail });
    await close();
  });
});

describe("two people at the same time", () => {
  it("are never mixed up: 20 calls of each, interleaved, answer for who called", async () => {
    const connections = await Promise.all(
      (["alice", "bob"] as const).map(async (account) => ({
        account,
        ...(await connectAs(stack.baseUrl, account)),
      })),
    );
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => connections)
        .flat()
        .map(async ({ account, client }) => {
          const result = await client.callTool({ name: "getUserDetails", arguments: {} });
          return { account, result };
        }),
    );
    expect(answers).toHaveLength(40);
    for (const { account, result } of answers) {
      const { displayName, mail } = ACCOUNTS[account].profile;
      expect(result.structuredContent).toMatchObject({ displayName, mail });
    }
    await Promise.all(connections.map(({ close }) => close()));
  });
});

describe("who is stuck can give a reference", () => {
  const json = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };

  it.each<[string, string, RequestInit?]>([
    ["from a page", "/authorize?client_id=unknown"],
    ["from an OAuth error", "/register", json],
    ["from a JSON-RPC error", "/message", json],
  ])("%s, and the log has it", async (_from, path, init) => {
    const response = await fetch(new URL(path, stack.baseUrl), init);
    expect(response.status).toBeGreaterThanOrEqual(400);
    const reference = response.headers.get("x-request-id") ?? "none";
    expect(await response.text()).toContain(reference);
    await expect.poll(() => stack.log.some((line) => line.includes(reference))).toBe(true);
  });
});
