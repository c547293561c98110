import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TokenResponse } from "../../shared/oauth/token-issuer.ts";
import { TableStore } from "../../shared/storage/table-store.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { azuriteConnectionString } from "../../tools/stack/local-settings.ts";
import { AccountBrowser } from "../support/account-browser.ts";
import { type LossyProxy, startLossyProxy } from "../support/lossy-proxy.ts";
import { OAuthTestClient } from "../support/oauth-client.ts";
import { createTestApp, type TestApp } from "../support/test-app.ts";
import { startTestAzurite, type TestAzurite } from "../support/test-azurite.ts";

let azurite: TestAzurite;
let entra: RunningEntra;
let proxy: LossyProxy;
let app: TestApp;
/** While answers get lost: the writes whose first answer was, in order. */
let lost: string[] | undefined;

beforeAll(async () => {
  [azurite, entra] = await Promise.all([startTestAzurite(), startEntra({ port: 0 })]);
  proxy = await startLossyProxy(azurite.port, (request) => {
    const write = writeOf(request);
    if (lost === undefined || write === undefined || lost.includes(write)) return false;
    lost.push(write);
    return true;
  });
  const ports = { table: proxy.port, blob: 1, queue: 1 };
  const store = new TableStore(azuriteConnectionString(ports));
  app = createTestApp({ entraUrl: entra.url, store });
});
afterAll(async () => {
  await proxy.stop();
  await Promise.all([azurite.stop(), entra.stop()]);
});

/** As in `put sessions`. @returns undefined for what changes no row. */
function writeOf({ method, url = "", headers }: IncomingMessage): string | undefined {
  const table = /^\/devstoreaccount1\/(\w+)/.exec(url)?.[1] ?? "Tables";
  if (method === "GET" || table === "Tables") return undefined;
  if (method === "POST") return `insert ${table}`;
  if (method === "DELETE") return `delete ${table}`;
  return `${headers["if-match"] === undefined ? "put" : "replace"} ${table}`;
}

/** @returns The writes whose first answer was lost while `work` went on. */
async function losing(work: () => Promise<void>): Promise<string[]> {
  const writes: string[] = [];
  lost = writes;
  try {
    await work();
    return writes;
  } finally {
    lost = undefined;
  }
}

it("a sign-in gets through where storage takes each of its writes and the answer is lost", async () => {
  const client = await new OAuthTestClient(app.baseUrl, app.fetch).register();
  let token = "";
  const writes = await losing(async () => {
    const first = await client.tokens("alice");
    const refreshed = (await (await client.refresh(first.refresh_token)).json()) as TokenResponse;
    token = refreshed.access_token;
  });
  const headers = { authorization: `Bearer ${token}` };
  const stream = await app.fetch(`${app.baseUrl}/sse`, { headers });
  expect(stream.status).toBe(200);
  await stream.body?.cancel();
  expect(writes).toEqual([
    "insert keys",
    "put transactions",
    "replace transactions",
    "put expiries",
    "put vault",
    "put sessions",
    "put codes",
    "replace clients",
    "replace codes",
    "replace sessions",
    "replace vault",
  ]);
});

it.each([
  ["public", "none", "insert clients"],
  ["with a secret", "client_secret_basic", "put clients"],
])("so does the registration of a client: %s", async (_what, method, write) => {
  const client = new OAuthTestClient(app.baseUrl, app.fetch);
  const writes = await losing(async () => {
    await client.register({ client_name: write, token_endpoint_auth_method: method });
  });
  expect((await app.fetch(client.authorizationUrl())).status).toBe(200);
  // The stream of before goes on writing about itself.
  expect(writes).toEqual(expect.arrayContaining(["put expiries", write]));
});

it("so does one to the account page", async () => {
  const writes = await losing(async () => {
    const browser = await new AccountBrowser(app).signIn("alice");
    expect(await browser.sessionIds()).toHaveLength(1);
  });
  expect(writes).toEqual(expect.arrayContaining(["put transactions", "replace transactions"]));
});
