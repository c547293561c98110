import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { ACCOUNTS, MANAGED_IDENTITY } from "../../tools/entra/directory.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import {
  type FunctionsHost,
  startFunctionsHost,
} from "../../tools/functions-host/start-functions-host.ts";
import { ROOT } from "../../tools/stack/command-line.ts";
import { planLocalStack, SAMPLE } from "../../tools/stack/local-settings.ts";
import { freePort } from "../../tools/stack/ports.ts";
import { recorder } from "../support/redaction/recorder.ts";
import { connectAs, reconnect } from "../support/sdk-client.ts";
import { type SecureAzurite, startSecureAzurite } from "../support/test-azurite.ts";

vi.setConfig({ testTimeout: 20_000 });

/** What only a developer's machine has. Of the vault there is no local one that speaks https: LOCAL_KEY stays. */
const SECRETS = { ENTRA_CLIENT_SECRET: undefined, AzureWebJobsStorage: undefined };

let azurite: SecureAzurite;
let entra: RunningEntra;
let host: FunctionsHost;
let baseUrl: string;
const log: string[] = [];

// The built server as it runs in Azure: the only credential is what the platform's identity endpoint hands out.
beforeAll(async () => {
  azurite = await startSecureAzurite();
  entra = await startEntra({ port: 0 });
  const app = await freePort();
  const { values } = planLocalStack(ROOT, { app, entra: entra.port }, {}, SAMPLE);
  baseUrl = `http://localhost:${app}`;
  host = await startFunctionsHost({
    root: ROOT.pathname,
    port: app,
    env: {
      ...values,
      ...SECRETS,
      AZURE_CLIENT_ID: MANAGED_IDENTITY.clientId,
      STORAGE_TABLE_ENDPOINT: azurite.endpoint,
      // From the platform.
      IDENTITY_ENDPOINT: `${entra.url}/msi/token`,
      IDENTITY_HEADER: MANAGED_IDENTITY.identityHeader,
      // For the host, as the Bicep writes it.
      AzureWebJobsStorage__tableServiceUri: azurite.endpoint,
      AzureWebJobsStorage__credential: "managedidentity",
      AzureWebJobsStorage__clientId: MANAGED_IDENTITY.clientId,
      NODE_EXTRA_CA_CERTS: azurite.certificate,
    },
    onLine(line) {
      log.push(line);
      recorder.line(line);
    },
  });
}, 60_000);
afterAll(async () => {
  await host.stop();
  await entra.stop();
  await azurite.stop();
});

it("signs in, reaches Graph and refreshes with the managed identity alone", async () => {
  const { client, provider, close } = await connectAs(baseUrl, "alice");
  const { displayName, mail } = ACCOUNTS.alice.profile;
  const { structuredContent } = await client.callTool({ name: "getUserDetails" });
  expect(structuredContent).toMatchObject({ displayName, mail });
  await close();

  const before = provider.tokens();
  const redeemed = entra.requests()["token.refresh_token"] ?? 0;
  provider.authorizationUrl = undefined;
  provider.saveTokens({ ...provider.tokens(), access_token: "lost", token_type: "Bearer" });
  const again = await reconnect(baseUrl, provider);
  expect(await again.client.callTool({ name: "getUserDetails" })).toMatchObject({
    structuredContent: { displayName, mail },
  });
  await again.close();
  expect(provider.tokens()?.refresh_token).not.toBe(before?.refresh_token);
  expect(provider.authorizationUrl).toBeUndefined();
  expect(entra.requests()["token.refresh_token"]).toBeGreaterThan(redeemed);
  expect(entra.requests()["managedIdentity"]).toBeGreaterThan(0);
});

it("runs its maintenance as the managed identity, on an instance of its own", async () => {
  await host.runTimer("maintenance");
});

it("logs no token of the identity", () => {
  const tokens = entra.issued().filter(({ kind }) => kind === "client_assertion");
  expect(tokens).not.toEqual([]);
  for (const { value } of tokens) expect(log.join("\n")).not.toContain(value);
});
