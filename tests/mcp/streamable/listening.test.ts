import { setTimeout } from "node:timers/promises";
import { decodeJwt } from "jose";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MemoryStore } from "../../../shared/storage/memory-store.ts";
import { useFacade } from "../../support/facade.ts";
import { collect } from "../../support/heap.ts";
import { ModernWire } from "../../support/modern-wire.ts";
import { OAuthTestClient } from "../../support/oauth-client.ts";
import { OutageStore } from "../../support/outage-store.ts";
import { createTestApp, type TestApp } from "../../support/test-app.ts";

const facade = useFacade();

let store: OutageStore;
let app: TestApp;
let wire: ModernWire;
let userKey: string;
beforeEach(async () => {
  store = new OutageStore(new MemoryStore());
  app = createTestApp({ entraUrl: facade.entra.url, store });
  const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
  const { access_token } = await client.tokens("alice", { resource: `${app.baseUrl}/mcp` });
  userKey = decodeJwt(access_token).sub ?? "";
  wire = new ModernWire(app, access_token);
  await wire.ask("tools/list");
});
afterEach(async () => {
  vi.useRealTimers();
  store.down = false;
  await app.app.close();
});

/** How many streams are listed. */
const listed = async () => (await Array.fromAsync(store.list("connections", userKey))).length;

it("leaves nothing behind of a subscription that could not be listed", async () => {
  store.down = true;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const response = await wire.send("subscriptions/listen", {
    notifications: { toolsListChanged: true },
  });
  expect(response.status).toBe(503);
  expect(vi.getTimerCount()).toBe(0);
});

it("ends when its client goes, however long it has been there", async () => {
  const gone = new AbortController();
  await wire.send(
    "subscriptions/listen",
    { notifications: { toolsListChanged: true } },
    { signal: gone.signal },
  );
  expect(await listed()).toBe(1);
  for (let n = 0; n < 5; n++) {
    await setTimeout(10);
    collect();
  }
  gone.abort();
  await expect.poll(listed).toBe(0);
});
