import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KeyVaultWrapper } from "../../shared/keys/key-vault-wrapper.ts";
import { KeysUnavailable } from "../../shared/keys/key-wrapper.ts";
import { systemRandom } from "../../shared/random.ts";
import { LocalKeyVault } from "../support/local-key-vault.ts";

const dataKey = systemRandom.bytes(32);

let vault: LocalKeyVault;
beforeEach(async () => {
  vault = await LocalKeyVault.start();
});
afterEach(() => vault.stop());

describe("KeyVaultWrapper", () => {
  it("names the version that it wrapped with, though it is given none", async () => {
    const { wrappedWith } = await vault.wrapper().wrap(dataKey);
    expect(wrappedWith).toBe(vault.versionId);
  });

  it("unwraps with the version that wrapped, though the key was rotated since", async () => {
    const wrapper = vault.wrapper();
    const before = await wrapper.wrap(dataKey);
    vault.rotate();
    expect(await wrapper.unwrap(before)).toEqual(dataKey);
    expect(await vault.wrapper().unwrap(before)).toEqual(dataKey);
  });

  it("wraps with the new version after a rotation", async () => {
    const wrapper = vault.wrapper();
    const before = await wrapper.wrap(dataKey);
    vault.rotate();
    const after = await wrapper.wrap(dataKey);
    expect(after.wrappedWith).not.toBe(before.wrappedWith);
    expect(await wrapper.currentId()).toBe(after.wrappedWith);
  });

  it("unwraps with a version that has expired, and wraps with it no more", async () => {
    const wrapped = await vault.wrapper().wrap(dataKey);
    vault.expire();
    expect(await vault.wrapper().unwrap(wrapped)).toEqual(dataKey);
    await expect(vault.wrapper().wrap(dataKey)).rejects.toThrow(KeysUnavailable);
  });

  it("has the vault wrap with RSA-OAEP-256, not the library with another hash", async () => {
    await vault.wrapper().wrap(dataKey);
    expect(vault.requests.at(-1)).toMatch(/^POST .*\/wrapkey$/);
  });

  it("asks no vault that a row names, only the one of the settings", async () => {
    const wrapped = await vault.wrapper().wrap(dataKey);
    const own = new KeyVaultWrapper({
      keyId: "https://vault.example/keys/data",
      credential: vault.credential,
    });
    vault.requests.length = 0;
    vault.tokens = 0;
    await expect(own.unwrap(wrapped)).rejects.toThrow("KEY_VAULT_KEY_ID");
    const beside = { ...wrapped, wrappedWith: `${vault.keyId}/../other/1` };
    await expect(vault.wrapper().unwrap(beside)).rejects.toThrow("KEY_VAULT_KEY_ID");
    expect(vault.requests).toEqual([]);
    expect(vault.tokens).toBe(0);
  });

  it("gives its token to no host outside the domain that the challenge names", async () => {
    const asShipped = new KeyVaultWrapper({
      keyId: vault.keyId,
      credential: vault.credential,
      options: { allowInsecureConnection: true, retryOptions: { maxRetries: 0 } },
    });
    await expect(asShipped.currentId()).rejects.toThrow(KeysUnavailable);
    expect(vault.tokens).toBe(0);
  });
});

describe("a vault that cannot be used", () => {
  it.each([
    [403, "the role Key Vault Crypto Service Encryption User"],
    [404, "recover it"],
    [429, "answered 429"],
    [500, "answered 500"],
  ])("is unavailable, and the log says what to do: %i", async (fault, advice) => {
    const wrapped = await vault.wrapper().wrap(dataKey);
    vault.fault = fault;
    for (const attempt of [
      () => vault.wrapper().unwrap(wrapped),
      () => vault.wrapper().wrap(dataKey),
      () => vault.wrapper().currentId(),
    ]) {
      const failure = await attempt().catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(KeysUnavailable);
      expect(String(failure)).toContain(advice);
    }
  });

  it("is unavailable where it never answers, within the deadline", async () => {
    vault.fault = "silent";
    await expect(vault.wrapper({ timeoutMs: 20 }).currentId()).rejects.toThrow(KeysUnavailable);
  });

  it("is unavailable where the managed identity never answers, within the deadline", async () => {
    const credential = { getToken: () => new Promise<never>(() => {}) };
    const wrapper = vault.wrapper({ credential, timeoutMs: 20 });
    await expect(wrapper.wrap(dataKey)).rejects.toThrow(KeysUnavailable);
  });

  it("is unavailable where the managed identity gives no token", async () => {
    const credential = { getToken: () => Promise.reject(new Error("no managed identity here")) };
    await expect(vault.wrapper({ credential }).wrap(dataKey)).rejects.toThrow("AZURE_CLIENT_ID");
  });

  it("works again as soon as it answers: a new role assignment takes minutes to be seen", async () => {
    const wrapper = vault.wrapper();
    vault.fault = 403;
    await expect(wrapper.wrap(dataKey)).rejects.toThrow(KeysUnavailable);
    vault.fault = undefined;
    expect(await wrapper.unwrap(await wrapper.wrap(dataKey))).toEqual(dataKey);
  });
});
