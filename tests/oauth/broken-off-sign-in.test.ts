import { decodeJwt } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import {
  type Etag,
  type Key,
  StorageUnavailable,
  type TableName,
  type Value,
} from "../../shared/storage/store.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { connectAs } from "../support/sdk-client.ts";
import { approve, pickAccount } from "../support/sign-in.ts";
import { createTestApp } from "../support/test-app.ts";
import { location, UserAgent } from "../support/user-agent.ts";

let entra: RunningEntra;

beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());

/** Storage that takes no new sessions. */
class TakesNoSessions extends MemoryStore {
  override async put(table: TableName, key: Key, value: Value): Promise<Etag> {
    if (table === "sessions") throw new StorageUnavailable("gone");
    return super.put(table, key, value);
  }
}

/** Changes columns of the session behind an access token. */
async function changeSession(store: MemoryStore, token: string, change: Value): Promise<void> {
  const { sub, sid } = decodeJwt<{ sid: string }>(token);
  const key = { partition: sub ?? "", row: sid };
  const row = await store.get("sessions", key);
  if (row === undefined) throw new Error("no session");
  await store.put("sessions", key, { ...row.value, ...change });
}

it("storage that fails after Entra's code was redeemed sends the client away, not the person (RFC 6749 §4.1.2.1)", async () => {
  const app = createTestApp({ entraUrl: entra.url, store: new TakesNoSessions() });
  const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
  const agent = new UserAgent(app.fetch);
  const callback = await pickAccount(
    agent,
    await approve(agent, client.authorizationUrl()),
    "alice",
  );
  const back = location(await agent.get(callback));
  expect(back.searchParams.get("error")).toBe("temporarily_unavailable");
  expect(back.searchParams.get("state")).toBe("the-state");
  expect(back.searchParams.get("iss")).toBe(app.baseUrl);
});

it("two different claims challenges of one client are met one after the other, and then there is a code", async () => {
  const store = new MemoryStore();
  const app = createTestApp({ entraUrl: entra.url, store });
  const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
  const sessions = [await client.tokens(), await client.tokens()];
  for (const [n, { access_token: token }] of sessions.entries()) {
    const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: `c${n}` } } });
    await changeSession(store, token, { claims });
  }
  const agent = new UserAgent(app.fetch);
  let next = await approve(agent, client.authorizationUrl());
  let trips = 0;
  while (next.origin === entra.url && trips < 6) {
    next = location(await agent.get(await pickAccount(agent, next, "alice")));
    trips++;
  }
  expect(trips).toBe(3);
  expect((await client.redeem(next.searchParams.get("code") ?? "")).status).toBe(200);
});

it("a role that was taken away is gone on an open stream too, with the next message", async () => {
  const store = new MemoryStore();
  const app = createTestApp({ entraUrl: entra.url, store });
  const admin = await connectAs(app.baseUrl, "admin", { fetch: app.fetch });
  const others = { name: "listSessions", arguments: { user: "A".repeat(43) } };
  expect((await admin.client.callTool(others)).isError).toBeFalsy();
  await changeSession(store, admin.provider.tokens()?.access_token ?? "", { roles: "[]" });
  app.clock.advance({ seconds: 31 });
  expect((await admin.client.callTool(others)).isError).toBe(true);
  await admin.close();
});
