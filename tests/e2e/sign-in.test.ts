import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { connectAs } from "../support/sdk-client.ts";

let stack: LocalStack;

beforeAll(async () => {
  stack = await startLocalStack();
}, 60_000);
afterAll(() => stack.stop());

describe("a client that has never seen the server", () => {
  it("signs in as alice and is told who alice is", async () => {
    const { client, close } = await connectAs(stack.baseUrl, "alice");
    const result = await client.callTool({ name: "getUserDetails", arguments: {} });
    expect(result.isError).toBeFalsy();
    await close();
  });
});
