import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { openStream, postMessage } from "../support/raw-stream.ts";

// Whole systems start here, and a busy machine takes its time over that.
vi.setConfig({ testTimeout: 20_000 });

let stack: LocalStack;

beforeAll(async () => {
  stack = await startLocalStack();
}, 60_000);
afterAll(() => stack.stop());

// A connection id is no secret: it is in URLs, and URLs are in logs.
it.each([
  ["another person's token", "bob"],
  ["a token of the same person's other session", "alice"],
] as const)("a message with %s is 404 and never reaches the stream", async (_, stranger) => {
  const own = (await signedIn("alice")).access_token;
  const foreign = (await signedIn(stranger)).access_token;
  const stream = await openStream(stack.baseUrl, own);

  expect(await postMessage(stream.endpoint, foreign, { id: 13, method: "ping" })).toBe(404);
  expect(await postMessage(stream.endpoint, own, { id: 14, method: "ping" })).toBe(202);
  await expect.poll(() => stream.text(), { timeout: 5_000 }).toContain('"id":14');
  expect(stream.text()).not.toContain('"id":13');
  stream.drop();
});

it("a message without a token is 401, whatever connection it names", async () => {
  const stream = await openStream(stack.baseUrl, (await signedIn("alice")).access_token);
  const response = await fetch(stream.endpoint, { method: "POST", body: "{}" });
  expect(response.status).toBe(401);
  expect(response.headers.get("www-authenticate")).toContain("/oauth-protected-resource/sse");
  stream.drop();
});

it("a connection that does not exist is 404 like one that is somebody else's", async () => {
  const { access_token: token } = await signedIn("alice");
  const endpoint = new URL("/message?connection=AAAAAAAAAAAAAAAAAAAAAA", stack.baseUrl);
  expect(await postMessage(endpoint, token, { id: 1, method: "ping" })).toBe(404);
});

function signedIn(account: "alice" | "bob") {
  return new OAuthTestClient(stack.baseUrl, fetch).tokens(account);
}
