import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig } from "../shared/config.ts";

const DAY = 86_400;
const TENANT = "5f3c1a52-9d0e-4b7a-8c61-2e4d7f9a1b30";
const OTHER_TENANT = "a7d2e4b8-3c19-4f56-9e07-6b8c5d1f2a43";
const CLIENT = "c0ffee00-1a2b-4c3d-8e4f-5a6b7c8d9e0f";

const MINIMAL = {
  ENTRA_TENANT_ID: TENANT,
  ENTRA_CLIENT_ID: CLIENT,
  ENTRA_CLIENT_SECRET: "secret",
  AzureWebJobsStorage: "UseDevelopmentStorage=true",
  LOCAL_KEY: "Dcgd7GEbTzpE07gLvPt2Z6qw2o2Hh-zc2MI8BQftJRU",
};

const load = (changes: Record<string, string | undefined> = {}) =>
  loadConfig({ ...MINIMAL, ...changes });

/** @returns The names of the settings that are at fault, in the order of the message. */
function faults(changes: Record<string, string | undefined>): string[] {
  try {
    load(changes);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [...error.message.matchAll(/^ {2}- (\w+): ./gm)].map(([, name]) => name ?? "");
  }
}

describe("the settings", () => {
  it("have defaults for everything that is not a secret or an id", () => {
    expect(load()).toEqual({
      baseUrl: "http://localhost:7071",
      loopback: true,
      entra: {
        authorityUrl: "https://login.microsoftonline.com",
        tenantId: TENANT,
        clientId: CLIENT,
        clientSecret: "secret",
        allowedTenants: [TENANT],
      },
      requiredRole: undefined,
      azureClientId: undefined,
      rateLimitFactor: 1,
      graphBaseUrl: "https://graph.microsoft.com",
      storageConnectionString: "UseDevelopmentStorage=true",
      registeredClients: [],
      wrappingKey: { localKey: MINIMAL.LOCAL_KEY },
      allowedOrigins: ["http://localhost:6274", "http://127.0.0.1:6274"],
      accessTokenTtlSeconds: 3_600,
      refreshIdleTtlSeconds: 30 * DAY,
      refreshMaxTtlSeconds: 90 * DAY,
      streamLifetimeSeconds: 14_400,
      podName: "local",
    });
  });

  it("list every fault at once: each that is missing", () => {
    const nothing = Object.fromEntries(Object.keys(MINIMAL).map((name) => [name, undefined]));
    expect(faults(nothing)).toEqual(Object.keys(MINIMAL));
  });

  it("list every fault at once: also those of settings that do not fit each other", () => {
    const wrong = {
      ENTRA_TENANT_ID: "contoso",
      PUBLIC_BASE_URL: "http://mcp.example.com",
      REFRESH_IDLE_TTL: "100",
      REFRESH_MAX_TTL: "99",
    };
    expect(faults(wrong).toSorted()).toEqual([
      "ENTRA_TENANT_ID",
      "LOCAL_KEY",
      "PUBLIC_BASE_URL",
      "REFRESH_IDLE_TTL",
    ]);
  });

  it("do not count what is there but empty", () => {
    expect(faults({ ENTRA_CLIENT_SECRET: "" })).toEqual(["ENTRA_CLIENT_SECRET"]);
    expect(load({ ACCESS_TOKEN_TTL: "" }).accessTokenTtlSeconds).toBe(3_600);
  });

  it("never show a value in the message: it may be a secret", () => {
    const secret = { LOCAL_KEY: "a-secret-too-short" };
    expect(() => load(secret)).toThrow(/^(?![^]*a-secret-too-short)[^]*LOCAL_KEY/);
  });
});

describe("PUBLIC_BASE_URL", () => {
  it.each([
    "https://mcp.example.com/",
    "https://mcp.example.com/mcp",
    "https://MCP.example.com",
    "https://mcp.example.com:443",
    "https://user@mcp.example.com",
    "https://mcp.example.com?x",
    "mcp.example.com",
    "ftp://localhost",
    "http://localhost:7071/",
  ])("is an origin and nothing more: refuses %s", (url) => {
    expect(faults({ PUBLIC_BASE_URL: url })).toContain("PUBLIC_BASE_URL");
  });

  it.each(["http://mcp.example.com", "http://localhost.example.com", "http://10.0.0.1"])(
    "is https unless it is this machine: refuses %s",
    (url) => {
      expect(faults({ PUBLIC_BASE_URL: url })).toContain("PUBLIC_BASE_URL");
    },
  );

  it.each(["http://localhost:7171", "http://127.0.0.1:7071", "http://[::1]:7071"])(
    "may be this machine: %s",
    (url) => {
      expect(load({ PUBLIC_BASE_URL: url })).toMatchObject({ baseUrl: url, loopback: true });
    },
  );
});

describe("LOCAL_KEY", () => {
  it("protects development only: refused for a public server", () => {
    expect(faults({ PUBLIC_BASE_URL: "https://mcp.example.com" })).toEqual(["LOCAL_KEY"]);
  });

  it.each(["short", `${MINIMAL.LOCAL_KEY}=`, MINIMAL.LOCAL_KEY.replace("-", "+")])(
    "is 32 bytes in base64url: refuses %j",
    (key) => {
      expect(faults({ LOCAL_KEY: key })).toEqual(["LOCAL_KEY"]);
    },
  );
});

describe("KEY_VAULT_KEY_ID", () => {
  const KEY_VAULT_KEY_ID = "https://my-vault.vault.azure.net/keys/data";

  it("takes the place of LOCAL_KEY, and so allows a public address", () => {
    const inAzure = { KEY_VAULT_KEY_ID, PUBLIC_BASE_URL: "https://mcp.example.com" };
    const config = load({ ...inAzure, LOCAL_KEY: undefined });
    expect(config.wrappingKey).toEqual({ keyVaultKeyId: KEY_VAULT_KEY_ID });
    expect(faults({ ...inAzure, LOCAL_KEY: MINIMAL.LOCAL_KEY })).toContain("KEY_VAULT_KEY_ID");
  });

  it("or LOCAL_KEY must be set, and not both", () => {
    expect(faults({ LOCAL_KEY: undefined })).toEqual(["LOCAL_KEY"]);
    expect(faults({ LOCAL_KEY: "", KEY_VAULT_KEY_ID: "" })).toEqual(["LOCAL_KEY"]);
    expect(faults({ KEY_VAULT_KEY_ID })).toEqual(["KEY_VAULT_KEY_ID"]);
  });

  it.each([
    `${KEY_VAULT_KEY_ID}/0123456789abcdef0123456789abcdef`,
    "http://my-vault.vault.azure.net/keys/data",
    "https://my-vault.vault.azure.net/secrets/data",
    `${KEY_VAULT_KEY_ID}?x`,
    "my-vault",
  ])("is an https URL of a key without a version: refuses %s", (id) => {
    expect(faults({ LOCAL_KEY: undefined, KEY_VAULT_KEY_ID: id })).toEqual(["KEY_VAULT_KEY_ID"]);
  });

  it("is used as the managed identity that AZURE_CLIENT_ID names", () => {
    const settings = { KEY_VAULT_KEY_ID, LOCAL_KEY: undefined };
    expect(load({ ...settings, AZURE_CLIENT_ID: CLIENT }).azureClientId).toBe(CLIENT);
    expect(faults({ ...settings, AZURE_CLIENT_ID: "me" })).toEqual(["AZURE_CLIENT_ID"]);
  });
});

describe("ids of Entra", () => {
  it("are GUIDs: names and placeholders would let in whom nobody meant", () => {
    expect(faults({ ENTRA_TENANT_ID: "common" })).toEqual(["ENTRA_TENANT_ID"]);
    expect(faults({ ENTRA_CLIENT_ID: "my-app" })).toEqual(["ENTRA_CLIENT_ID"]);
    expect(faults({ ENTRA_ALLOWED_TENANTS: `${TENANT}, contoso` })).toEqual([
      "ENTRA_ALLOWED_TENANTS",
    ]);
    expect(faults({ ENTRA_ALLOWED_TENANTS: " , " })).toEqual(["ENTRA_ALLOWED_TENANTS"]);
  });

  it("may be written in upper case: tokens have them in lower case, and are compared with them", () => {
    const entra = load({
      ENTRA_TENANT_ID: TENANT.toUpperCase(),
      ENTRA_CLIENT_ID: CLIENT.toUpperCase(),
      ENTRA_ALLOWED_TENANTS: `${OTHER_TENANT.toUpperCase()}, ${TENANT}`,
    }).entra;
    expect(entra).toMatchObject({
      tenantId: TENANT,
      clientId: CLIENT,
      allowedTenants: [OTHER_TENANT, TENANT],
    });
  });
});

describe("times to live", () => {
  it.each([
    ["ACCESS_TOKEN_TTL", DAY],
    ["REFRESH_IDLE_TTL", 90 * DAY],
    ["REFRESH_MAX_TTL", 365 * DAY],
  ])("%s is a whole number of seconds from 1 to %d", (name, max) => {
    const rest = { REFRESH_IDLE_TTL: "1", REFRESH_MAX_TTL: String(365 * DAY) };
    expect(faults({ ...rest, [name]: String(max) })).toEqual([]);
    for (const value of ["0", "-1", "1.5", "soon", String(max + 1)]) {
      expect([value, faults({ ...rest, [name]: value })]).toEqual([value, [name]]);
    }
  });

  it("REFRESH_IDLE_TTL must not exceed REFRESH_MAX_TTL", () => {
    expect(faults({ REFRESH_IDLE_TTL: "100", REFRESH_MAX_TTL: "100" })).toEqual([]);
    expect(faults({ REFRESH_IDLE_TTL: "101", REFRESH_MAX_TTL: "100" })).toEqual([
      "REFRESH_IDLE_TTL",
    ]);
  });
});

describe("ALLOWED_ORIGINS", () => {
  it("is a list of origins", () => {
    const ALLOWED_ORIGINS = "https://a.example, http://localhost:3000,";
    expect(load({ ALLOWED_ORIGINS }).allowedOrigins).toEqual([
      "https://a.example",
      "http://localhost:3000",
    ]);
  });

  it.each(["*", "null", "https://a.example/"])("refuses %s", (origin) => {
    expect(faults({ ALLOWED_ORIGINS: `https://a.example,${origin}` })).toContain("ALLOWED_ORIGINS");
  });
});
