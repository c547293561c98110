import { afterAll, beforeAll, expect, it } from "vitest";
import { health } from "../support/health.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { openStream } from "../support/raw-stream.ts";

const STREAMS = 200;

let stack: LocalStack;

beforeAll(async () => {
  stack = await startLocalStack();
}, 60_000);
afterAll(() => stack.stop());

it("a client whose socket is destroyed is let go within a second", async () => {
  const { access_token: token } = await new OAuthTestClient(stack.baseUrl, fetch).tokens();
  const stream = await openStream(stack.baseUrl, token);
  expect((await health(stack.baseUrl)).streams).toBe(1);
  stream.drop();
  await expect
    .poll(async () => (await health(stack.baseUrl)).streams, { timeout: 1_000, interval: 20 })
    .toBe(0);
}, 30_000);

it(`${STREAMS} streams whose sockets are destroyed leave no connection behind within 5 s`, async () => {
  const { access_token: token } = await new OAuthTestClient(stack.baseUrl, fetch).tokens();
  const streams = await Promise.all(
    Array.from({ length: STREAMS }, () => openStream(stack.baseUrl, token)),
  );
  expect((await health(stack.baseUrl)).streams).toBe(STREAMS);
  for (const stream of streams) stream.drop();
  await expect.poll(async () => (await health(stack.baseUrl)).streams, { timeout: 5_000 }).toBe(0);
}, 30_000);
