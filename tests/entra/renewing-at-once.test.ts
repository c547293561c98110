import { decodeJwt } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { EventStream } from "../support/open-stream.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";

/** Long enough for every request to be on its way before the first one is answered. */
const SLOW_MS = 100;

let entra: RunningEntra;
let instances: readonly [TestApp, TestApp];
let client: OAuthTestClient;
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterAll(() => entra.stop());
beforeEach(async () => {
  const options = { entraUrl: entra.url, store: new MemoryStore() };
  instances = [createTestApp(options), createTestApp(options)];
  const [{ baseUrl, fetch }] = instances;
  client = await new OAuthTestClient(baseUrl, fetch).register();
  // A token for Graph is due from the start, so that every call of the tool renews it.
  entra.set({ accessTokenSeconds: 60 });
});
afterEach(() => entra.reset());

function renewals(): number {
  return entra.requests()["token.refresh_token"] ?? 0;
}

async function whoAmI(streams: readonly EventStream[]): Promise<unknown[]> {
  const answers = await Promise.all(streams.map((stream) => stream.callTool("getUserDetails")));
  return answers.map(({ structuredContent }) => structuredContent?.["mail"]);
}

describe("two instances that renew one session's Entra tokens at once", () => {
  it("both get one that Graph takes, and both can go on renewing, again and again", async () => {
    const { access_token: token } = await client.tokens("alice");
    const streams = await Promise.all(instances.map((app) => EventStream.open(app, token)));
    for (let round = 1; round <= 5; round++) {
      const before = renewals();
      entra.set({ delayMs: SLOW_MS });
      expect(await whoAmI(streams)).toEqual(["alice@contoso.example", "alice@contoso.example"]);
      // They did meet: neither could use what the other one was given.
      expect(renewals() - before).toBe(2);
      entra.set({ delayMs: 0 });
      // Each alone afterwards, on the cache that one of the two has left.
      for (const stream of streams) {
        expect(await whoAmI([stream])).toEqual(["alice@contoso.example"]);
      }
    }
  });

  it("do each other no harm where one refreshes at /token and the other has a call to answer", async () => {
    const [one, other] = instances;
    const first = await client.tokens("alice");
    const stream = await EventStream.open(other, first.access_token);
    entra.set({ delayMs: SLOW_MS });
    const [refreshed, mails] = await Promise.all([
      client.refresh(first.refresh_token),
      whoAmI([stream]),
    ]);
    entra.set({ delayMs: 0 });
    expect(refreshed.status).toBe(200);
    expect(mails).toEqual(["alice@contoso.example"]);
    const second = (await refreshed.json()) as typeof first;
    expect(decodeJwt(second.access_token)["sid"]).toBe(decodeJwt(first.access_token)["sid"]);
    for (const app of [one, other]) {
      const next = await EventStream.open(app, second.access_token);
      expect(await whoAmI([next])).toEqual(["alice@contoso.example"]);
    }
    const third = await client.through(other.fetch).refresh(second.refresh_token);
    expect(third.status).toBe(200);
  });

  it("leave no tokens behind where the session is ended meanwhile", async () => {
    const [one, other] = instances;
    const { access_token: token } = await client.tokens("alice");
    const stream = await EventStream.open(other, token);
    entra.set({ delayMs: SLOW_MS });
    const calling = stream.callTool("getUserDetails").catch(String);
    const { sid, sub = "" } = decodeJwt<{ sid: string }>(token);
    await client.through(one.fetch).postForm("/revoke", { client_id: client.id, token });
    await calling;
    expect(await one.store.get("sessions", { partition: sub, row: sid })).toBeUndefined();
    expect(await one.store.get("vault", { partition: sid, row: "0" })).toBeUndefined();
  });
});
