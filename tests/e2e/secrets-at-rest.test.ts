import { createHash } from "node:crypto";
import { TableClient, TableServiceClient } from "@azure/data-tables";
import { auth } from "@modelcontextprotocol/sdk/client/auth.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handleKey } from "../../shared/storage/hourly-handle.ts";
import { crashAndRestart } from "../support/crash.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { recorder } from "../support/redaction/recorder.ts";
import { connectAs, reconnect, TestProvider } from "../support/sdk-client.ts";
import { approve } from "../support/sign-in.ts";
import { UserAgent } from "../support/user-agent.ts";

/** Others may come; all that are there are searched. */
const TABLES = ["clients", "codes", "keys", "sessions", "settings", "transactions", "vault"];

/** Every entity of every table, as JSON. */
const tables = new Map<string, string[]>();
let stack: LocalStack;

beforeAll(async () => {
  stack = await startLocalStack();
  await useTheServer();
  await dumpTables();
  await stack.keepSecrets();
}, 60_000);
afterAll(() => stack.stop());

/** Sign-in, calls, a refresh, a restart, another refresh, and a sign-in that is left half-way. */
async function useTheServer(): Promise<void> {
  const agent = new UserAgent();
  const provider = new TestProvider();
  const { client, close } = await connectAs(stack.baseUrl, "alice", { agent, provider });
  await client.callTool({ name: "getUserDetails" });
  await client.callTool({ name: "updateSettings", arguments: { timeZone: "Europe/Berlin" } });
  await close();
  await refresh(provider);

  await crashAndRestart(stack);
  await refresh(provider);
  const again = await reconnect(stack.baseUrl, provider);
  await again.client.callTool({ name: "listEvents" });
  await again.close();

  await approve(agent, provider.authorizationUrl ?? "");
}

async function refresh(provider: TestProvider): Promise<void> {
  const result = await auth(provider, { serverUrl: new URL("/sse", stack.baseUrl) });
  expect(result).toBe("AUTHORIZED");
}

async function dumpTables(): Promise<void> {
  const options = { allowInsecureConnection: true };
  const { connectionString } = stack;
  const service = TableServiceClient.fromConnectionString(connectionString, options);
  for await (const { name = "" } of service.listTables()) {
    const client = TableClient.fromConnectionString(connectionString, name, options);
    const rows: string[] = [];
    for await (const entity of client.listEntities()) rows.push(JSON.stringify(entity));
    tables.set(name, rows);
  }
}

describe("after sign-in, calls, refreshes and a restart", () => {
  it("the run used every kind of secret that there is", () => {
    expect(recorder.secrets.counts()).toMatchObject({
      access_token: 3,
      refresh_token: 3,
      // Of the client's PKCE pair.
      code_verifier: 1,
      // The client's and two of ours.
      state: 3,
      // Ours and Entra's.
      code: 2,
      nonce: 2,
      // Of the consent page, opened twice.
      request: 2,
      "cookie dev-csrf": 1,
      "cookie dev-sign-in": 2,
      "cookie dev-device": 1,
      "Entra code": 1,
      "Entra code_verifier": 1,
      "Entra access_token": 3,
      "Entra refresh_token": 3,
      "Entra id_token": 3,
      LOCAL_KEY: 1,
      ENTRA_CLIENT_SECRET: 1,
      // In base64url and in hex.
      "data key": 2,
      "signing key": 1,
      name: 4,
      "mail address": 4,
      "object id": 4,
    });
  });

  it("every table holds rows, and the search finds what is stored in clear", () => {
    for (const name of TABLES) expect(tables.get(name)?.length).toBeGreaterThan(0);
    expect(tables.get("clients")?.join()).toContain("Test client");
    expect(stack.log.join()).toContain("token-refreshed");
  });

  it("no table holds any of them; only a session says whose it is, by their object id", () => {
    for (const [name, rows] of tables) {
      const found = recorder.secrets.leaksIn(rows).map(({ kind }) => kind);
      expect({ name, found }).toEqual({ name, found: name === "sessions" ? ["object id"] : [] });
    }
  });

  it("what is stored for refresh tokens, codes and states is their hash", () => {
    const sessions = tables.get("sessions")?.join() ?? "";
    const latest = recorder.secrets.of("refresh_token").slice(-2);
    for (const token of latest) expect(sessions).toContain(hash(token));
    const rows = { codes: tables.get("codes")?.join(), states: tables.get("transactions")?.join() };
    for (const code of handles("code")) expect(rows.codes).toContain(hash(code));
    for (const state of handles("state")) expect(rows.states).toContain(hash(state));
    expect([handles("code").length, handles("state").length]).toEqual([1, 2]);
  });
});

/** The secrets of a kind that are of ours: Entra's and the client's have another form. */
function handles(kind: string): string[] {
  return recorder.secrets.of(kind).filter((one) => handleKey(one) !== undefined);
}

function hash(value: string): string {
  return createHash("sha256").update(value).digest("base64url");
}
