import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import { TableStore } from "../../shared/storage/table-store.ts";
import { createSessionParts, type Parts } from "../support/parts.ts";
import { startTestAzurite, type TestAzurite } from "../support/test-azurite.ts";
import { keyringContract } from "./keyring-contract.ts";

describe("in memory", () => {
  const memory = new MemoryStore();
  keyringContract(() => memory);
});

describe("on Azurite", () => {
  let azurite: TestAzurite;
  let tables: TableStore;
  beforeAll(async () => {
    azurite = await startTestAzurite();
    tables = new TableStore(azurite.connectionString);
  }, 40_000);
  afterAll(() => azurite.stop());
  keyringContract(() => tables);
});

describe("a keyring that has read its table", () => {
  let parts: Parts;
  /** What one reading of the table costs. */
  let reading: number;
  beforeEach(async () => {
    const store = new MemoryStore();
    await createSessionParts({ store }).keyring.signingKey();
    parts = createSessionParts({ store });
    await parts.keyring.signingKey();
    reading = parts.store.operations;
    parts.store.operations = 0;
  });

  it("asks storage no more for the keys it knows", async () => {
    const { kid } = await parts.keyring.signingKey();
    parts.clock.advance({ seconds: 3_600 });
    expect((await parts.keyring.signingKeyOf(kid))?.kid).toBe(kid);
    await parts.keyring.dataKey();
    await parts.keyring.publicKeys();
    expect(parts.store.operations).toBe(0);
  });

  it("publishes public keys only, with their use (RFC 7517 §4.2)", async () => {
    const [jwk] = await parts.keyring.publicKeys();
    expect(jwk).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", use: "sig" });
    expect(jwk).not.toHaveProperty("d");
    expect(jwk?.kid).toBe((await parts.keyring.signingKey()).kid);
  });

  it("reads again for an unknown key id, which another instance may have made", async () => {
    parts.clock.advance({ seconds: 5 });
    expect(await parts.keyring.signingKeyOf("unknown")).toBeUndefined();
    expect(parts.store.operations).toBe(reading);
  });

  it("reads at most once in 5 seconds for unknown key ids: anybody can send them", async () => {
    parts.clock.advance({ seconds: 5 });
    await parts.keyring.signingKeyOf("unknown-1");
    parts.store.operations = 0;
    parts.clock.advance({ seconds: 4 });
    await parts.keyring.signingKeyOf("unknown-2");
    await parts.keyring.dataKeyOf("unknown-3");
    expect(parts.store.operations).toBe(0);
  });

  it("reads once for unknown key ids that come at the same time", async () => {
    parts.clock.advance({ seconds: 5 });
    const ids = Array.from({ length: 20 }, (_, n) => `unknown-${n}`);
    await Promise.all(ids.map((id) => parts.keyring.signingKeyOf(id)));
    expect(parts.store.operations).toBe(reading);
  });

  it("keeps its keys when that reading fails: an outage must not take them away", async () => {
    const { kid } = await parts.keyring.signingKey();
    parts.clock.advance({ seconds: 5 });
    parts.store.down = true;
    await expect(parts.keyring.signingKeyOf("unknown")).rejects.toThrow(StorageUnavailable);
    expect((await parts.keyring.signingKey()).kid).toBe(kid);
    expect((await parts.keyring.dataKey()).secret).toHaveLength(32);
  });
});

describe("a keyring that could not read its table", () => {
  it("reads it when it is asked again", async () => {
    const { keyring, store } = createSessionParts();
    store.down = true;
    await expect(keyring.dataKey()).rejects.toThrow(StorageUnavailable);
    store.down = false;
    expect((await keyring.dataKey()).secret).toHaveLength(32);
  });
});
