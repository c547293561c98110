import {
  type ResourceUpdatedNotification,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { ACCOUNTS } from "../../tools/entra/directory.ts";
import { features } from "../../shared/features/all.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { type ConnectedClient, connectAs, reconnect } from "../support/sdk-client.ts";

// Whole systems start here, and a busy machine takes its time over that.
vi.setConfig({ testTimeout: 20_000 });

let stack: LocalStack;
let alice: ConnectedClient;

beforeAll(async () => {
  stack = await startLocalStack();
  alice = await connectAs(stack.baseUrl, "alice");
}, 60_000);
afterAll(async () => {
  await alice.close();
  await stack.stop();
});

describe("resources", () => {
  it("are listed with their type", async () => {
    const { resources } = await alice.client.listResources();
    expect(resources.map(({ uri, mimeType }) => ({ uri, mimeType }))).toEqual(
      features.resources.map(({ uri, mimeType }) => ({ uri, mimeType })),
    );
  });

  it("user://me is the profile of the person who reads it", async () => {
    const bob = await connectAs(stack.baseUrl, "bob");
    for (const [{ client }, account] of [
      [alice, "alice"],
      [bob, "bob"],
    ] as const) {
      const { displayName, mail } = ACCOUNTS[account].profile;
      expect(await readJson(client, "user://me")).toMatchObject({ displayName, mail });
    }
    await bob.close();
  });

  it("settings://me is what updateSettings has written", async () => {
    const filters = { customers: "call" };
    await alice.client.callTool({ name: "updateSettings", arguments: { filters } });
    expect(await readJson(alice.client, "settings://me")).toMatchObject({ filters });
  });

  it("an unknown one is error -32002 (MCP 2025-11-25, resources)", async () => {
    await expect(alice.client.readResource({ uri: "user://bob" })).rejects.toMatchObject({
      code: -32_002,
    });
  });
});

describe("a subscription to settings://me", () => {
  it("is told when another client of the same person changes them, and nobody else is", async () => {
    const watching = await connectAs(stack.baseUrl, "alice");
    const notWatching = await reconnect(stack.baseUrl, watching.provider);
    const bob = await connectAs(stack.baseUrl, "bob");
    const heard = {
      watching: updatesOf(watching),
      notWatching: updatesOf(notWatching),
      bob: updatesOf(bob),
    };
    await watching.client.subscribeResource({ uri: "settings://me" });
    await bob.client.subscribeResource({ uri: "settings://me" });

    await changeTimeZone("Europe/Paris");
    await expect.poll(() => heard.watching, { timeout: 5_000 }).toEqual([{ uri: "settings://me" }]);
    // What was sent to them on their streams would have arrived before the answer to this.
    await Promise.all([bob.client.ping(), notWatching.client.ping()]);
    expect(heard.bob).toEqual([]);
    expect(heard.notWatching).toEqual([]);

    await watching.client.unsubscribeResource({ uri: "settings://me" });
    await changeTimeZone("Europe/Rome");
    await watching.client.ping();
    expect(heard.watching).toHaveLength(1);
    await Promise.all([watching.close(), notWatching.close(), bob.close()]);
  });
});

async function changeTimeZone(timeZone: string): Promise<void> {
  const result = await alice.client.callTool({ name: "updateSettings", arguments: { timeZone } });
  expect(result.isError).toBeFalsy();
}

function updatesOf({ client }: ConnectedClient): ResourceUpdatedNotification["params"][] {
  const heard: ResourceUpdatedNotification["params"][] = [];
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.push(params);
  });
  return heard;
}

async function readJson(client: ConnectedClient["client"], uri: string): Promise<unknown> {
  const { contents } = z
    .object({ contents: z.tuple([z.object({ uri: z.literal(uri), text: z.string() })]) })
    .parse(await client.readResource({ uri }));
  return JSON.parse(contents[0].text);
}
