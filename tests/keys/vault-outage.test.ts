import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LocalKeyVault } from "../support/local-key-vault.ts";
import { createTestApp } from "../support/test-app.ts";
import { HOUR_SECONDS, Installation } from "./installation.ts";

let vault: LocalKeyVault;
beforeEach(async () => {
  vault = await LocalKeyVault.start();
});
afterEach(() => vault.stop());

describe("keys wrapped by Key Vault", () => {
  let installation: Installation;
  let sealed: string;
  beforeEach(async () => {
    installation = new Installation({ wrapper: () => vault.wrapper() });
    sealed = await installation.instance().seal("kept");
  });

  it("are unwrapped after the vault's key was rotated", async () => {
    vault.rotate();
    expect(await installation.instance().open(sealed)).toBe("kept");
  });

  it("are wrapped anew with its new version at the next maintenance", async () => {
    vault.rotate();
    expect(await installation.maintain()).toEqual(["data wrapped-anew"]);
    expect(await installation.maintain()).toEqual([]);
    const [row] = await installation.rows("data");
    expect(row?.value["wrappedWith"]).toBe(vault.versionId);
    vault.disableOldVersions();
    expect(await installation.instance().open(sealed)).toBe("kept");
  });

  it("are wrapped anew once by two maintenance runs at once", async () => {
    vault.rotate();
    const runs = await Promise.all([installation.maintain(), installation.maintain()]);
    expect(runs.flat()).toEqual(["data wrapped-anew"]);
    expect(await installation.instance().open(sealed)).toBe("kept");
  });

  it("cost the vault one call for an instance's life", async () => {
    const instance = installation.instance();
    vault.requests.length = 0;
    for (let hour = 0; hour < 48; hour += 1) {
      await instance.open(sealed);
      await instance.verify(await instance.sign());
      installation.clock.advance({ seconds: HOUR_SECONDS });
    }
    // The challenge, and the call.
    expect(vault.requests.filter((request) => request.endsWith("/unwrapkey"))).toHaveLength(2);
  });
});

describe("while the vault cannot be used", () => {
  const jwks = "/.well-known/jwks.json";

  it.each([403, 503])(
    "a new instance answers 503 with Retry-After, and works as soon as it can: %i",
    async (fault) => {
      const app = createTestApp({ keyWrapper: vault.wrapper() });
      vault.fault = fault;
      const response = await app.fetch(app.baseUrl + jwks);
      expect(response.status).toBe(503);
      expect(response.headers.get("retry-after")).not.toBeNull();
      expect(await response.json()).toMatchObject({ error: "temporarily_unavailable" });
      vault.fault = undefined;
      expect((await app.fetch(app.baseUrl + jwks)).status).toBe(200);
    },
  );

  it("a new instance does not hang where the vault never answers", async () => {
    const app = createTestApp({ keyWrapper: vault.wrapper({ timeoutMs: 50 }) });
    vault.fault = "silent";
    expect((await app.fetch(app.baseUrl + jwks)).status).toBe(503);
  });

  it("says in the log what to do, and nothing of it to the caller", async () => {
    const app = createTestApp({ keyWrapper: vault.wrapper() });
    vault.fault = 403;
    const answer = await (await app.fetch(app.baseUrl + jwks)).text();
    expect(app.log.join("\n")).toContain("Key Vault Crypto Service Encryption User");
    expect(answer).not.toContain(vault.keyId);
    expect(answer).not.toContain("Key Vault");
  });

  it("an instance that has its keys goes on", async () => {
    const app = createTestApp({ keyWrapper: vault.wrapper() });
    expect((await app.fetch(app.baseUrl + jwks)).status).toBe(200);
    vault.fault = 503;
    app.clock.advance({ seconds: 7 * HOUR_SECONDS });
    expect((await app.fetch(app.baseUrl + jwks)).status).toBe(200);
  });
});
