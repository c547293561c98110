import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BASE_URL, createTestApp, type TestApp } from "../support/test-app.ts";
import { EventStream, openStreams } from "../support/open-stream.ts";
import { useFacade } from "../support/facade.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { type Key, StorageUnavailable, type TableName } from "../../shared/storage/store.ts";

const facade = useFacade();

/** Another instance of the server, on the same storage. */
const secondInstance = () =>
  createTestApp({
    entraUrl: facade.entra.url,
    store: facade.app.store,
    clock: facade.app.clock,
  });

const revoke = async (token: string) => {
  const response = await facade.client.postForm("/revoke", { token, client_id: facade.client.id });
  expect(response.status).toBe(200);
};

const sseStatus = async (app: TestApp, token: string) => {
  const headers = { authorization: `Bearer ${token}` };
  const response = await app.fetch(new URL("/sse", BASE_URL), { headers });
  await response.body?.cancel();
  return response.status;
};

describe("ending a session", () => {
  it("closes its streams on this instance at once", async () => {
    const { access_token: token } = await facade.client.tokens();
    const streams = [
      await EventStream.open(facade.app, token),
      await EventStream.open(facade.app, token),
    ];
    await revoke(token);
    for (const stream of streams) expect(await stream.rest()).toEqual([]);
    expect(await openStreams(facade.app)).toBe(0);
  });

  it("refuses its access token on this instance at once", async () => {
    const { access_token: token } = await facade.client.tokens();
    expect(await sseStatus(facade.app, token)).toBe(200);
    await revoke(token);
    expect(await sseStatus(facade.app, token)).toBe(401);
  });

  it("refuses its access token on every other instance within 30 seconds", async () => {
    const { access_token: token } = await facade.client.tokens();
    const other = secondInstance();
    expect(await sseStatus(other, token)).toBe(200);
    await revoke(token);
    facade.app.clock.advance({ seconds: 30 });
    expect(await sseStatus(other, token)).toBe(401);
  });

  it("refuses its refresh token", async () => {
    const { refresh_token: token } = await facade.client.tokens();
    await revoke(token);
    expect((await facade.client.refresh(token)).status).toBe(400);
  });

  it("deletes its row and its Entra tokens, and nothing of the person's other sessions", async () => {
    const first = await facade.client.tokens();
    const second = await facade.client.tokens();
    await revoke(first.refresh_token);
    expect(await rows(first.access_token)).toEqual({ session: false, vault: false });
    expect(await rows(second.access_token)).toEqual({ session: true, vault: true });
  });

  it("leaves the streams of other sessions open", async () => {
    const { access_token: token } = await facade.client.tokens();
    const { access_token: other } = await facade.client.tokens();
    const stream = await EventStream.open(facade.app, other);
    await revoke(token);
    expect((await stream.callTool("getSettings")).isError).toBeFalsy();
  });

  it("happens when a code is replayed (OAuth 2.1 §4.1.3)", async () => {
    const code = await facade.client.code();
    const tokens = (await (await facade.client.redeem(code)).json()) as { access_token: string };
    const stream = await EventStream.open(facade.app, tokens.access_token);
    facade.app.clock.advance({ seconds: 1 });
    await facade.client.redeem(code);
    expect(await stream.rest()).toEqual([]);
    expect(audited()).toContain("code-replayed");
  });

  it("happens when a refresh token is reused (OAuth 2.1 §4.3.1)", async () => {
    const tokens = await facade.client.tokens();
    const stream = await EventStream.open(facade.app, tokens.access_token);
    await facade.client.refresh(tokens.refresh_token);
    facade.app.clock.advance({ seconds: 61 });
    await facade.client.refresh(tokens.refresh_token);
    expect(await stream.rest()).toEqual([]);
    expect(audited()).toContain("refresh-token-reused");
  });
});

describe("the check of open streams", () => {
  it("closes the streams of a session that was ended on another instance", async () => {
    const { access_token: token } = await facade.client.tokens();
    const other = secondInstance();
    const stream = await EventStream.open(other, token);
    await revoke(token);
    expect(await openStreams(other)).toBe(1);
    await other.app.checkStreams();
    expect(await stream.rest()).toEqual([]);
    expect(await openStreams(other)).toBe(0);
    expect(await sseStatus(other, token)).toBe(401);
  });

  it("closes the streams of a session that has run out", async () => {
    const { access_token: token } = await facade.client.tokens();
    const stream = await EventStream.open(facade.app, token);
    facade.app.clock.advance({ seconds: 31 * 86_400 });
    await facade.app.app.checkStreams();
    expect(await stream.rest()).toEqual([]);
  });

  it("leaves the streams of living sessions open", async () => {
    const { access_token: token } = await facade.client.tokens();
    const stream = await EventStream.open(facade.app, token);
    await facade.app.app.checkStreams();
    expect((await stream.callTool("getSettings")).isError).toBeFalsy();
  });

  it("closes many at once, and reads a session once however many streams it has", async () => {
    const ended = await Promise.all(Array.from({ length: 40 }, () => facade.client.tokens()));
    const living = await facade.client.tokens();
    const other = secondInstance();
    for (const { access_token: token } of [...ended, living, living]) {
      await EventStream.open(other, token);
    }
    // Ended in a way that no instance hears of.
    for (const { access_token: token } of ended) {
      const { sub = "", sid } = decodeJwt(token);
      await other.store.delete("sessions", { partition: sub, row: String(sid) });
    }
    const reads = vi.spyOn(other.store, "get");
    await other.app.checkStreams();
    expect(reads.mock.calls.filter(([table]) => table === "sessions")).toHaveLength(41);
    expect(await openStreams(other)).toBe(2);
  });

  it("leaves all streams open while storage is away", async () => {
    const { access_token: token } = await facade.client.tokens();
    const stream = await EventStream.open(facade.app, token);
    vi.spyOn(facade.app.store, "get").mockRejectedValue(new StorageUnavailable("away"));
    await facade.app.app.checkStreams();
    vi.restoreAllMocks();
    expect((await stream.callTool("getSettings")).isError).toBeFalsy();
  });
});

describe("an instance", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("checks its streams by itself within 30 seconds", async () => {
    const { access_token: token } = await facade.client.tokens();
    const other = secondInstance();
    const stream = await EventStream.open(other, token);
    await revoke(token);
    vi.advanceTimersByTime(30_000);
    expect(await stream.rest()).toEqual([]);
    await other.app.close();
  });

  it("checks no more once it is closed", async () => {
    const other = secondInstance();
    await other.app.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("where storage fails half-way", () => {
  it("closes the streams, says 503, and forgets the Entra tokens when they can be reached again", async () => {
    const store = new VaultOutageStore();
    const app = createTestApp({ entraUrl: facade.entra.url, store, clock: facade.app.clock });
    const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
    const { access_token: token, refresh_token: refreshToken } = await client.tokens();
    const stream = await EventStream.open(app, token);
    store.vaultIsAway = true;
    const fields = { token: refreshToken, client_id: client.id };
    expect((await client.postForm("/revoke", fields)).status).toBe(503);
    expect(await stream.rest()).toEqual([]);
    expect(await sseStatus(app, token)).toBe(401);

    store.vaultIsAway = false;
    expect((await client.postForm("/revoke", fields)).status).toBe(200);
    const { sid } = decodeJwt(token);
    expect(await store.get("vault", { partition: String(sid), row: "0" })).toBeUndefined();
  });
});

/** Storage of which one table cannot be reached. */
class VaultOutageStore extends MemoryStore {
  vaultIsAway = false;

  override async delete(table: TableName, key: Key, etag?: string): Promise<boolean> {
    if (table === "vault" && this.vaultIsAway) throw new StorageUnavailable("away");
    return super.delete(table, key, etag);
  }
}

/** What is left of the session that a token names. */
async function rows(token: string): Promise<{ session: boolean; vault: boolean }> {
  const { sub = "", sid } = decodeJwt(token);
  const session = await facade.app.store.get("sessions", { partition: sub, row: String(sid) });
  const vault = await facade.app.store.get("vault", { partition: String(sid), row: "0" });
  return { session: session !== undefined, vault: vault !== undefined };
}

/** The reasons for which sessions were ended, as audited. */
function audited(): (string | undefined)[] {
  return facade.app.log
    .map((line) => JSON.parse(line) as { audit?: string; reason?: string })
    .filter(({ audit }) => audit === "session-ended")
    .map(({ reason }) => reason);
}
