import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT } from "../../tools/stack/command-line.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { connectAs } from "../support/sdk-client.ts";
import { runCommand } from "../tools/running-command.ts";

let stack: LocalStack;
beforeAll(async () => {
  stack = await startLocalStack();
});
afterAll(() => stack.stop());

function feed(...args: string[]) {
  const { port } = new URL(stack.baseUrl);
  const ports = ["--port", port, "--entra-port", String(stack.entra.port)];
  return runCommand(new URL("tools/feed.ts", ROOT), [...ports, ...args]);
}

it("npm run feed publishes a value, and prices that move, to the one who has subscribed", async () => {
  const { client, close } = await connectAs(stack.baseUrl, "alice");
  let told = 0;
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, () => void (told += 1));
  await client.subscribeResource({ uri: "feed://prices" });

  const once = feed("prices", '{"price": 1}');
  expect(await once.code).toBe(0);
  expect(once.output()).toBe("prices: published\n");
  await expect.poll(() => told).toBe(1);
  const { contents } = await client.readResource({ uri: "feed://prices" });
  expect(contents).toMatchObject([{ text: '{"price":1}' }]);

  const prices = feed("--prices");
  await expect.poll(() => told, { timeout: 10_000 }).toBeGreaterThan(3);
  prices.interrupt();
  await prices.code;
  await close();
});

it.each([
  ["a value is missing", ["prices"], "npm run feed -- <topic>"],
  ["a flag is not known", ["--price"], "npm run feed -- <topic>"],
  ["prices have a topic", ["--prices", "gold"], "npm run feed -- <topic>"],
  ["a value was to be JSON", ["prices", "{price: 1}"], "looks like JSON, and is none: {price: 1}"],
  ["a topic cannot be called that", ["a/b", "1"], "letters, digits, dots, dashes and underscores"],
  ["a port is none", ["--port", "x", "prices", "1"], "--port takes a whole number"],
])("npm run feed says what to do where %s", async (_, args, words) => {
  const wrong = feed(...args);
  expect(await wrong.code).toBe(1);
  expect(wrong.output()).toContain(words);
});

it("npm run feed says that the server is to be started first", async () => {
  const ports = ["--port", String(await freePort()), "--entra-port", String(await freePort())];
  const wrong = runCommand(new URL("tools/feed.ts", ROOT), [...ports, "prices", "1"]);
  expect(await wrong.code).toBe(1);
  expect(wrong.output()).toContain("start the server first, with npm start");
});
