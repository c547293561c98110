import { expect, it } from "vitest";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import {
  type Etag,
  type Key,
  StorageUnavailable,
  type TableName,
  type Value,
} from "../../shared/storage/store.ts";
import { startEntra } from "../../tools/entra/start-entra.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { createTestApp } from "../support/test-app.ts";

/** Storage that goes away right after a code was redeemed, before the session has its tokens. */
class BreaksOff extends MemoryStore {
  broken = false;

  override async replace(table: TableName, key: Key, value: Value, etag: Etag): Promise<Etag> {
    if (this.broken && table === "sessions") throw new StorageUnavailable("gone");
    return super.replace(table, key, value, etag);
  }
}

it("a redemption that broke off half-way is no replay: the client tries again, and once succeeds", async () => {
  const entra = await startEntra({ port: 0 });
  const store = new BreaksOff();
  const app = createTestApp({ entraUrl: entra.url, store });
  const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
  const code = await client.code();
  store.broken = true;
  const first = await client.redeem(code);
  expect(first.status).toBe(503);
  expect(await first.json()).toMatchObject({ error: "temporarily_unavailable" });
  store.broken = false;
  app.clock.advance({ seconds: 5 });
  const retries = await Promise.all([
    client.redeem(code),
    client.redeem(code),
    client.redeem(code),
  ]);
  const statuses = retries.map(({ status }) => status).toSorted((a, b) => a - b);
  expect(statuses).toEqual([200, 400, 400]);
  expect(app.log.join()).not.toContain("code-replayed");
  await entra.stop();
});
