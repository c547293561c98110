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

/** What Azure has in place of the last three of them. */
const IN_AZURE = {
  ENTRA_CLIENT_SECRET: undefined,
  AzureWebJobsStorage: undefined,
  LOCAL_KEY: undefined,
  PUBLIC_BASE_URL: "https://mcp.example.com",
  AZURE_CLIENT_ID: "d1a90b6e-4f72-4c35-8e1d-0b7c6a5f9355",
  STORAGE_TABLE_ENDPOINT: "https://myaccount.table.core.windows.net/",
  KEY_VAULT_KEY_ID: "https://my-vault.vault.azure.net/keys/data",
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
        homeTenantId: TENANT,
        clientId: CLIENT,
        clientSecret: "secret",
        allowedTenants: [TENANT],
      },
      requiredRole: undefined,
      azureClientId: undefined,
      rateLimitFactor: 1,
      clientAddressHeader: "x-forwarded-for",
      graphBaseUrl: "https://graph.microsoft.com",
      tables: { connectionString: "UseDevelopmentStorage=true" },
      redisUrl: undefined,
      registeredClients: [],
      wrappingKey: { localKey: MINIMAL.LOCAL_KEY },
      allowedOrigins: ["http://localhost:6274", "http://127.0.0.1:6274"],
      accessTokenTtlSeconds: 3_600,
      refreshIdleTtlSeconds: 30 * DAY,
      refreshMaxTtlSeconds: 90 * DAY,
      streamLifetimeSeconds: 14_400,
      telemetry: undefined,
      podName: "local",
    });
  });

  it("trust no header for the caller's address in public, unless one is named", () => {
    expect(load(IN_AZURE).clientAddressHeader).toBeUndefined();
    const named = { ...IN_AZURE, CLIENT_ADDRESS_HEADER: "Client-IP" };
    expect(load(named).clientAddressHeader).toBe("client-ip");
    expect(faults({ CLIENT_ADDRESS_HEADER: "client ip" })).toEqual(["CLIENT_ADDRESS_HEADER"]);
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
      "AzureWebJobsStorage",
      "ENTRA_CLIENT_SECRET",
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

describe("each local setting and the one that takes its place in Azure", () => {
  const pairs = [
    ["ENTRA_CLIENT_SECRET", "AZURE_CLIENT_ID"],
    ["AzureWebJobsStorage", "STORAGE_TABLE_ENDPOINT"],
    ["LOCAL_KEY", "KEY_VAULT_KEY_ID"],
  ] as const;

  it("are all local on a developer's machine and all Azure's in Azure, where none is a secret", () => {
    expect(load(IN_AZURE)).toMatchObject({
      entra: { clientSecret: undefined },
      azureClientId: IN_AZURE.AZURE_CLIENT_ID,
      tables: { endpoint: "https://myaccount.table.core.windows.net" },
      wrappingKey: { keyVaultKeyId: IN_AZURE.KEY_VAULT_KEY_ID },
    });
  });

  it.each(pairs)("%s or %s must be set", (local, cloud) => {
    expect(faults({ [local]: undefined })).toEqual([local]);
    expect(faults({ [local]: "", [cloud]: "" })).toEqual([local]);
    expect(faults({ ...IN_AZURE, [cloud]: undefined })).toContain(local);
  });

  it.each(pairs)("%s and %s must not both be set", (local, cloud) => {
    const both = { ...IN_AZURE, PUBLIC_BASE_URL: undefined, [local]: MINIMAL[local] };
    expect(faults(both)).toEqual([cloud]);
  });

  it.each(pairs)("%s is for this machine only", (local, cloud) => {
    expect(faults({ ...IN_AZURE, [local]: MINIMAL[local], [cloud]: undefined })).toContain(local);
  });

  it("name every fault of all three at once", () => {
    expect(faults({ PUBLIC_BASE_URL: "https://mcp.example.com" })).toEqual(
      pairs.map(([local]) => local),
    );
  });

  it("AZURE_CLIENT_ID must say as whom the others are asked", () => {
    const STORAGE_TABLE_ENDPOINT = IN_AZURE.STORAGE_TABLE_ENDPOINT;
    expect(faults({ AzureWebJobsStorage: undefined, STORAGE_TABLE_ENDPOINT })).toEqual([
      "AZURE_CLIENT_ID",
    ]);
  });
});

describe("STORAGE_TABLE_ENDPOINT", () => {
  it.each(["http://myaccount.table.core.windows.net", "myaccount", "UseDevelopmentStorage=true"])(
    "is an https URL: a token of the identity goes there: refuses %s",
    (url) => {
      expect(faults({ ...IN_AZURE, STORAGE_TABLE_ENDPOINT: url })).toEqual([
        "STORAGE_TABLE_ENDPOINT",
      ]);
    },
  );
});

describe("REDIS_URL", () => {
  it.each(["my-redis:10000", "https://my-redis", "my-redis"])("is a Redis: refuses %s", (url) => {
    expect(faults({ REDIS_URL: url })).toEqual(["REDIS_URL"]);
  });

  it.each([
    "redis://my-redis:6379",
    "rediss://somebody@my-redis:10000",
    "rediss://my-redis:10000/cache",
  ])("is reached over TLS, with a whole sign-in or none: refuses %s", (url) => {
    expect(faults({ REDIS_URL: url })).toEqual(["REDIS_URL"]);
  });

  it("carries no password where the server is not on this machine", () => {
    const elsewhere = { ...IN_AZURE, REDIS_URL: "rediss://:secret@my-redis:10000" };
    expect(faults(elsewhere)).toEqual(["REDIS_URL"]);
    expect(faults({ ...elsewhere, REDIS_URL: "rediss://my-redis:10000" })).toEqual([]);
  });

  it.each([
    "rediss://my-redis:10000",
    "rediss://:secret@my-redis:6380/1",
    "redis://localhost:6379",
    "redis://[::1]:6379",
  ])("may be %s", (url) => {
    expect(load({ REDIS_URL: url }).redisUrl).toBe(url);
  });
});

describe("LOCAL_KEY", () => {
  it.each(["short", `${MINIMAL.LOCAL_KEY}=`, MINIMAL.LOCAL_KEY.replace("-", "+")])(
    "is 32 bytes in base64url: refuses %j",
    (key) => {
      expect(faults({ LOCAL_KEY: key })).toEqual(["LOCAL_KEY"]);
    },
  );
});

describe("KEY_VAULT_KEY_ID", () => {
  const { KEY_VAULT_KEY_ID } = IN_AZURE;

  it.each([
    `${KEY_VAULT_KEY_ID}/0123456789abcdef0123456789abcdef`,
    "http://my-vault.vault.azure.net/keys/data",
    "https://my-vault.vault.azure.net/secrets/data",
    `${KEY_VAULT_KEY_ID}?x`,
    "my-vault",
  ])("is an https URL of a key without a version: refuses %s", (id) => {
    expect(faults({ ...IN_AZURE, KEY_VAULT_KEY_ID: id })).toEqual(["KEY_VAULT_KEY_ID"]);
  });
});

describe("ids of Entra", () => {
  it("are GUIDs: names and placeholders would let in whom nobody meant", () => {
    expect(faults({ ENTRA_TENANT_ID: "common" })).toEqual(["ENTRA_TENANT_ID"]);
    expect(faults({ ENTRA_CLIENT_ID: "my-app" })).toEqual(["ENTRA_CLIENT_ID"]);
    expect(faults({ ...IN_AZURE, AZURE_CLIENT_ID: "me" })).toEqual(["AZURE_CLIENT_ID"]);
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

describe("the home tenant", () => {
  const SEVERAL = { ENTRA_TENANT_ID: "organizations", ENTRA_ALLOWED_TENANTS: "*" };

  it("is the tenant where there is one only, and is not guessed where there are several", () => {
    expect(load().entra.homeTenantId).toBe(TENANT);
    expect(load(SEVERAL).entra.homeTenantId).toBeUndefined();
    const home = { ...SEVERAL, ENTRA_HOME_TENANT_ID: OTHER_TENANT.toUpperCase() };
    expect(load(home).entra.homeTenantId).toBe(OTHER_TENANT);
    expect(faults({ ENTRA_HOME_TENANT_ID: "contoso" })).toEqual(["ENTRA_HOME_TENANT_ID"]);
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

describe("telemetry", () => {
  const APPLICATIONINSIGHTS_CONNECTION_STRING =
    "InstrumentationKey=2a1c9e00-0000-4000-8000-00000000beef;" +
    "IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/;" +
    "LiveEndpoint=https://westeurope.livediagnostics.monitor.azure.com/;" +
    "ApplicationId=c0ffee00-1a2b-4c3d-8e4f-5a6b7c8d9e0f";

  it("goes to the Application Insights that the settings name, under the name of the app", () => {
    const given = { APPLICATIONINSIGHTS_CONNECTION_STRING };
    const connectionString = APPLICATIONINSIGHTS_CONNECTION_STRING;
    expect(load(given).telemetry).toEqual({
      connectionString,
      samplingRatio: 1,
      serviceName: "entra-mcp-functions",
    });
    const more = { OTEL_TRACES_SAMPLER_ARG: "0.25", WEBSITE_SITE_NAME: "func-abc" };
    expect(load({ ...given, ...more }).telemetry).toEqual({
      connectionString,
      samplingRatio: 0.25,
      serviceName: "func-abc",
    });
  });

  it("goes nowhere without one", () => {
    expect(load({ APPLICATIONINSIGHTS_CONNECTION_STRING: "" }).telemetry).toBeUndefined();
    expect(load({ OTEL_TRACES_SAMPLER_ARG: "0.5" }).telemetry).toBeUndefined();
  });

  it.each([
    "InstrumentationKey=the-key",
    "https://westeurope-5.in.applicationinsights.azure.com/",
    `${APPLICATIONINSIGHTS_CONNECTION_STRING};;`,
    APPLICATIONINSIGHTS_CONNECTION_STRING.slice("InstrumentationKey=".length),
  ])("refuses a connection string such as %s", (value) => {
    expect(faults({ APPLICATIONINSIGHTS_CONNECTION_STRING: value })).toEqual([
      "APPLICATIONINSIGHTS_CONNECTION_STRING",
    ]);
  });

  it.each(["-0.1", "1.1", "half", "25%"])("is not sampled to %s", (value) => {
    expect(faults({ OTEL_TRACES_SAMPLER_ARG: value })).toEqual(["OTEL_TRACES_SAMPLER_ARG"]);
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
