import { createServer, type Server } from "node:https";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { azureCredential } from "../../shared/azure-credential.ts";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { TableStore } from "../../shared/storage/table-store.ts";
import { MANAGED_IDENTITY } from "../../tools/entra/directory.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { createTestApp } from "../support/test-app.ts";
import { type SecureAzurite, startSecureAzurite } from "../support/test-azurite.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_CERTIFICATE_KEY } from "../support/test-certificate.ts";
import { storeContract } from "./store-contract.ts";

const credential = azureCredential(MANAGED_IDENTITY.clientId);
const options = { tlsOptions: { ca: LOOPBACK_CERTIFICATE } };

let standIn: RunningEntra;
beforeAll(async () => {
  standIn = await startEntra({ port: 0 });
  vi.stubEnv("IDENTITY_ENDPOINT", `${standIn.url}/msi/token`);
  vi.stubEnv("IDENTITY_HEADER", MANAGED_IDENTITY.identityHeader);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await standIn.stop();
});

describe("on Azurite over https, as a managed identity", () => {
  let azurite: SecureAzurite;
  beforeAll(async () => {
    azurite = await startSecureAzurite();
  }, 40_000);
  afterAll(() => azurite.stop());

  storeContract(() => new TableStore({ endpoint: azurite.endpoint, credential, options }));

  it("makes a table that is missing", async () => {
    const store = new TableStore({ endpoint: azurite.endpoint, credential, options });
    expect(await store.get("settings", { partition: "p", row: "r" })).toBeUndefined();
  });

  it("is refused with a token for something else: the credential counts, not the way", async () => {
    const wrong = { getToken: () => credential.getToken("api://AzureADTokenExchange/.default") };
    const store = new TableStore({ endpoint: azurite.endpoint, credential: wrong, options });
    const attempt = store.get("settings", { partition: "p", row: "r" });
    await expect(attempt).rejects.toThrow(StorageUnavailable);
  });
});

describe("a role that has just been assigned, or never was", () => {
  let server: Server;
  let store: TableStore;
  beforeAll(async () => {
    server = await refuseEverything();
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    store = new TableStore({ endpoint: `https://127.0.0.1:${address.port}`, credential, options });
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  it("is an outage, not a row that is missing; it says which role", async () => {
    const attempt = store.get("settings", { partition: "p", row: "r" });
    await expect(attempt).rejects.toThrow(/Storage Table Data Contributor.*ten minutes/);
    await expect(attempt).rejects.toThrow(StorageUnavailable);
  });

  it("does not keep the app from starting: callers are told to come back, the log what to do", async () => {
    const app = createTestApp({ store });
    const answer = await app.fetch(`${app.baseUrl}/.well-known/jwks.json`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).not.toBeNull();
    expect(await answer.text()).not.toContain("Data Contributor");
    expect(app.log.join("\n")).toContain("Storage Table Data Contributor");
  });
});

/** As the table service answers who has no role (`AuthorizationPermissionMismatch`). */
async function refuseEverything(): Promise<Server> {
  const tls = { cert: LOOPBACK_CERTIFICATE, key: LOOPBACK_CERTIFICATE_KEY };
  const server = createServer(tls, (_request, response) => {
    response.writeHead(403, { "Content-Type": "application/json" });
    const error = { code: "AuthorizationPermissionMismatch", message: { value: "no" } };
    response.end(JSON.stringify({ "odata.error": error }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
