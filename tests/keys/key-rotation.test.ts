import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PUBLISH_AHEAD_MS, REREAD_AFTER_MS } from "../../shared/keys/key-schedule.ts";
import { sealedWith } from "../../shared/keys/seal.ts";
import { TokenInvalid } from "../../shared/sessions/access-token.ts";
import { MemoryStore } from "../../shared/storage/memory-store.ts";
import type { Store } from "../../shared/storage/store.ts";
import { TableStore } from "../../shared/storage/table-store.ts";
import { createTestApp } from "../support/test-app.ts";
import { startTestAzurite, type TestAzurite } from "../support/test-azurite.ts";
import { DAY_SECONDS, HOUR_SECONDS, Installation } from "./installation.ts";

type Instance = ReturnType<Installation["instance"]>;

/** Maintenance runs more often; this is enough to meet every edge of the schedule. */
const STEP_SECONDS = 4 * HOUR_SECONDS;
const STEPS_OF_A_TOKEN = DAY_SECONDS / STEP_SECONDS;

describe("a hundred days of sign-ins", () => {
  const installation = new Installation();
  const { clock } = installation;
  const signer = installation.instance();
  const verifier = installation.instance();
  const made: { token: string; sealed: string; refreshToken: string; madeAt: number }[] = [];
  const firstPublished = new Map<string | undefined, number>();
  const signedBy = new Set<string>();
  const sealedBy = new Set<string | undefined>();
  const refused: unknown[] = [];

  beforeAll(async () => {
    for (let step = 0; step * STEP_SECONDS < 100 * DAY_SECONDS; step += 1) {
      if (step > 0) await installation.maintain();
      for (const kid of await verifier.publishedKids()) {
        if (!firstPublished.has(kid)) firstPublished.set(kid, clock.now());
      }
      const token = await signer.sign();
      const sealed = await signer.seal("kept");
      const refreshToken = await signer.makeRefreshToken();
      made.push({ token, sealed, refreshToken, madeAt: clock.now() });
      signedBy.add((await signer.keyring.signingKey()).kid);
      sealedBy.add(sealedWith(sealed));
      clock.advance({ seconds: STEP_SECONDS - 1 });
      const inItsLastSecond = made[step + 1 - STEPS_OF_A_TOKEN];
      await verifier.verify(token).catch((error: unknown) => refused.push(error));
      if (inItsLastSecond !== undefined) {
        await verifier.verify(inItsLastSecond.token).catch((error: unknown) => refused.push(error));
      }
      clock.advance({ seconds: 1 });
    }
  }, 60_000);

  it("rotate the signing key every 30 days and the data key every 90", () => {
    expect(signedBy).toHaveLength(4);
    expect(sealedBy).toHaveLength(2);
  });

  it("never refuse a token before its end, whatever was rotated meanwhile", () => {
    expect(made.length).toBeGreaterThan(500);
    expect(refused).toEqual([]);
  });

  it("publish each signing key on the other instance long before it signs", () => {
    const longEnough = PUBLISH_AHEAD_MS - REREAD_AFTER_MS - STEP_SECONDS * 1000;
    for (const kid of [...signedBy].slice(1)) {
      const signedFrom = made.find(({ token }) => token.startsWith(headerOf(kid)))?.madeAt ?? 0;
      const ahead = signedFrom - (firstPublished.get(kid) ?? Infinity);
      expect(ahead).toBeGreaterThanOrEqual(longEnough);
    }
  });

  it("open everything that was sealed before a rotation", async () => {
    const fresh = installation.instance();
    for (const { sealed } of made) expect(await fresh.open(sealed)).toBe("kept");
  });

  it("know every refresh token that was made before a rotation", async () => {
    const fresh = installation.instance();
    for (const { refreshToken } of made) {
      expect(await fresh.readRefreshToken(refreshToken)).toMatchObject({ sessionId: "session-1" });
    }
  });

  it("keep a replaced signing key two days, and then neither publish nor trust it", async () => {
    expect(await installation.rows("signing")).toHaveLength(1);
    expect(await installation.instance().publishedKids()).toEqual([[...signedBy].at(-1)]);
    const old = made[0]?.token ?? "";
    await expect(installation.instance().verify(old)).rejects.toThrow(TokenInvalid);
  });
});

describe("data keys", () => {
  let installation: Installation;
  let sealed: string;
  beforeEach(async () => {
    installation = new Installation();
    sealed = await installation.instance().seal("kept");
  });

  it("open what they sealed as long as a session may live, and are removed after that", async () => {
    await installation.pass({ days: 90 });
    await installation.pass({ days: 365 });
    expect(await installation.instance().open(sealed)).toBe("kept");
    await installation.pass({ days: 2 });
    await expect(installation.instance().open(sealed)).rejects.toThrow("not known");
    expect(await installation.rows("data")).toHaveLength(5);
  });

  it("hand the signing keys on to their successor, so that these can be read without them", async () => {
    const changes = await installation.pass({ days: 91 });
    expect(changes).toContain("signing sealed-anew");
    const { kid } = await installation.instance().keyring.dataKey();
    const rows = await installation.rows("signing");
    expect(rows.map(({ value }) => sealedWith(String(value["sealed"])))).toEqual(
      rows.map(() => kid),
    );
  });

  it("take with them only what they sealed, when an old one cannot be unwrapped", async () => {
    await installation.pass({ days: 91 });
    const [old] = await installation.rows("data");
    if (old === undefined) throw new Error("no old key");
    await installation.store.put("keys", old.key, { ...old.value, wrapped: "bm90aGluZw" });
    const instance = installation.instance();
    await expect(instance.open(sealed)).rejects.toThrow();
    expect(await instance.open(await instance.seal("new"))).toBe("new");
    await instance.verify(await instance.sign());
  });
});

describe("maintenance", () => {
  let installation: Installation;
  beforeEach(async () => {
    installation = new Installation();
    await installation.instance().sign();
  });

  it("makes the first keys where there are none", async () => {
    const empty = new Installation();
    await empty.maintain();
    expect(await empty.rows("data")).toHaveLength(1);
    expect(await empty.rows("signing")).toHaveLength(1);
  });

  it("does nothing before something is due", async () => {
    expect(await installation.pass({ days: 28 })).toEqual([]);
  });

  it("makes the next signing key a day ahead, and removes the old one two days after", async () => {
    expect(await installation.pass({ days: 29 })).toEqual(["signing made"]);
    expect(await installation.pass({ days: 2 })).toEqual([]);
    expect(await installation.pass({ days: 1 })).toEqual(["signing retired"]);
  });

  it("catches up after it did not run for a year: what is valid stays valid", async () => {
    installation.clock.advance({ seconds: 364 * DAY_SECONDS });
    const before = installation.instance();
    const [token, sealed] = [await before.sign(), await before.seal("kept")];
    const changes = await installation.pass({ days: 2, stepSeconds: HOUR_SECONDS });
    expect(changes).toEqual([
      "signing made",
      "data made",
      "signing sealed-anew",
      "signing sealed-anew",
    ]);
    const after = installation.instance();
    expect(await after.open(sealed)).toBe("kept");
    await expect(after.verify(token)).rejects.toThrow("expired");
  });

  it("does what failed before at its next run", async () => {
    installation.clock.advance({ seconds: 29 * DAY_SECONDS });
    const instance = installation.instance();
    await instance.keyring.signingKey();
    instance.store.down = true;
    await expect(instance.rotation.run(() => {})).rejects.toThrow("switched off");
    instance.store.down = false;
    expect(await installation.maintain()).toEqual(["signing made"]);
  });

  it("writes an audit line for each change", async () => {
    const app = createTestApp();
    await app.fetch(`${app.baseUrl}/.well-known/jwks.json`);
    app.clock.advance({ seconds: 29 * DAY_SECONDS });
    await app.app.maintain(app.recording);
    const line = app.log.find((text) => text.includes("key-rotated")) ?? "{}";
    expect(JSON.parse(line)).toMatchObject({
      audit: "key-rotated",
      outcome: "success",
      key: expect.stringMatching(/^signing /) as string,
      change: "made",
    });
  });
});

describe.each([
  ["in memory", () => Promise.resolve(undefined)],
  ["on Azurite", startTestAzurite],
])("two maintenance runs at once, %s", (_where, start) => {
  let azurite: TestAzurite | undefined;
  let store: Store;
  beforeAll(async () => {
    azurite = await start();
    store = azurite === undefined ? new MemoryStore() : new TableStore(azurite.connectionString);
  }, 40_000);
  afterAll(() => azurite?.stop());

  it("end with the same keys, each made, moved and removed once", async () => {
    const installation = new Installation({ store });
    const first = await installation.instance().sign();
    for (const [days, expected] of [
      [29, ["signing made"]],
      [3, ["signing retired"]],
      [57, ["data made", "signing made"]],
      [2, ["signing sealed-anew", "signing sealed-anew"]],
    ] as const) {
      installation.clock.advance({ seconds: days * DAY_SECONDS });
      const runs = await Promise.all([installation.maintain(), installation.maintain()]);
      expect(runs.flat().toSorted()).toEqual(expected);
    }
    expect(await installation.rows("data")).toHaveLength(2);
    expect(await installation.rows("signing")).toHaveLength(2);
    const instances = [installation.instance(), installation.instance()] as const;
    await instances[1].verify(await instances[0].sign());
    expect(await instances[1].open(await instances[0].seal("same"))).toBe("same");
    await expect(instances[0].verify(first)).rejects.toThrow(TokenInvalid);
  });
});

describe("an instance that runs on", () => {
  let installation: Installation;
  let running: Instance;
  beforeEach(async () => {
    installation = new Installation();
    running = installation.instance();
    await running.sign();
  });

  it("learns of the next key by time alone", async () => {
    await installation.pass({ days: 29 });
    installation.clock.advance({ seconds: 6 * HOUR_SECONDS });
    expect(await running.publishedKids()).toHaveLength(2);
  });

  it("goes on with the keys it has while storage is away", async () => {
    running.store.down = true;
    installation.clock.advance({ seconds: 7 * HOUR_SECONDS });
    await running.verify(await running.sign());
    expect(await running.open(await running.seal("kept"))).toBe("kept");
  });

  it("tries no more than once a minute then", async () => {
    running.store.down = true;
    installation.clock.advance({ seconds: 7 * HOUR_SECONDS });
    running.store.operations = 0;
    for (let n = 0; n < 10; n += 1) await running.sign();
    expect(running.store.operations).toBe(1);
    installation.clock.advance({ seconds: 60 });
    await running.sign();
    expect(running.store.operations).toBe(2);
  });

  it("reads at once when it meets a key that was made in an emergency, and the old one is void", async () => {
    const stolen = await running.sign();
    installation.clock.advance({ seconds: 60 });
    for (const { key } of await installation.rows("signing")) {
      await installation.store.delete("keys", key);
    }
    const restarted = installation.instance();
    await running.verify(await restarted.sign());
    await expect(running.verify(stolen)).rejects.toThrow(TokenInvalid);
  });

  it("reads once for an unknown key id, and not again within 5 seconds", async () => {
    installation.clock.advance({ seconds: 5 });
    running.store.operations = 0;
    const stranger = await new Installation().instance().sign();
    await expect(running.verify(stranger)).rejects.toThrow(TokenInvalid);
    const reading = running.store.operations;
    expect(reading).toBe(2);
    installation.clock.advance({ seconds: 4 });
    await expect(running.verify(stranger)).rejects.toThrow(TokenInvalid);
    expect(running.store.operations).toBe(reading);
    installation.clock.advance({ seconds: 1 });
    await expect(running.verify(stranger)).rejects.toThrow(TokenInvalid);
    expect(running.store.operations).toBe(2 * reading);
  });
});

describe("the keys table", () => {
  it("publishes no key for somebody who can only write to it", async () => {
    const installation = new Installation();
    const [kid] = await installation.instance().publishedKids();
    const foreign = await new Installation().instance().keyring.signingKey();
    const [row] = await installation.rows("signing");
    if (row === undefined) throw new Error("no row");
    const publicJwk = JSON.stringify(foreign.publicJwk);
    await installation.store.put("keys", row.key, { ...row.value, publicJwk });
    const [published] = await installation.instance().keyring.publicKeys();
    expect(published?.kid).toBe(kid);
    expect(published?.x).not.toBe(foreign.publicJwk.x);
  });
});

/** The start of every token that the key `kid` signed. */
function headerOf(kid: string): string {
  const header = JSON.stringify({ alg: "ES256", typ: "at+jwt", kid });
  return Buffer.from(header).toString("base64url");
}
