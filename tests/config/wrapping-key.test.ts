import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "../../shared/config.ts";

const LOCAL_KEY = Buffer.alloc(32, 7).toString("base64url");
const KEY_VAULT_KEY_ID = "https://my-vault.vault.azure.net/keys/data";
const PUBLIC_BASE_URL = "https://mcp.example.com";

function load(settings: Record<string, string>) {
  return loadConfig({
    ENTRA_TENANT_ID: "5f3c1a52-9d0e-4b7a-8c61-2e4d7f9a1b30",
    ENTRA_CLIENT_ID: "c0ffee00-1a2b-4c3d-8e4f-5a6b7c8d9e0f",
    ENTRA_CLIENT_SECRET: "secret",
    AzureWebJobsStorage: "UseDevelopmentStorage=true",
    ...settings,
  });
}

describe("the wrapping key", () => {
  it("is LOCAL_KEY on this machine", () => {
    expect(load({ LOCAL_KEY }).wrappingKey).toEqual({ localKey: LOCAL_KEY });
  });

  it("is in Key Vault for a public address", () => {
    const config = load({ KEY_VAULT_KEY_ID, PUBLIC_BASE_URL });
    expect(config.wrappingKey).toEqual({ keyVaultKeyId: KEY_VAULT_KEY_ID });
  });

  it("must be set: without one the start fails", () => {
    expect(() => load({})).toThrow(ConfigError);
    expect(() => load({ LOCAL_KEY: "", KEY_VAULT_KEY_ID: "" })).toThrow("one of them must be set");
  });

  it("is one, not two", () => {
    expect(() => load({ LOCAL_KEY, KEY_VAULT_KEY_ID })).toThrow("not both");
  });

  it("is never LOCAL_KEY for a public address", () => {
    expect(() => load({ LOCAL_KEY, PUBLIC_BASE_URL })).toThrow("development only");
  });

  it.each([
    [`${KEY_VAULT_KEY_ID}/0123456789abcdef0123456789abcdef`],
    ["http://my-vault.vault.azure.net/keys/data"],
    ["https://my-vault.vault.azure.net/secrets/data"],
    ["https://my-vault.vault.azure.net/keys/data?x"],
    ["my-vault"],
  ])("is named by an https URL without a version: %s", (id) => {
    expect(() => load({ KEY_VAULT_KEY_ID: id })).toThrow("KEY_VAULT_KEY_ID");
  });

  it("is used as the identity that AZURE_CLIENT_ID names, a GUID", () => {
    const id = "6b1f9f0c-3a59-4d58-9a0e-6f6d1b6f6c11";
    expect(load({ KEY_VAULT_KEY_ID, AZURE_CLIENT_ID: id }).azureClientId).toBe(id);
    expect(() => load({ KEY_VAULT_KEY_ID, AZURE_CLIENT_ID: "me" })).toThrow("AZURE_CLIENT_ID");
  });
});
