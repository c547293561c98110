import { createHash } from "node:crypto";
import { TableClient, TableServiceClient } from "@azure/data-tables";
import { auth } from "@modelcontextprotocol/sdk/client/auth.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { crashAndRestart } from "../support/crash.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { connectAs, reconnect, type TestProvider } from "../support/sdk-client.ts";
import { Secrets } from "../support/secrets.ts";
import { approve } from "../support/sign-in.ts";
import { UserAgent } from "../support/user-agent.ts";

/** Others may come; all that are there are searched. */
const TABLES = ["clients", "codes", "keys", "sessions", "settings", "transactions", "vault"];

const secrets = new Secrets();
/** Every entity of every table, as JSON. */
const tables = new Map<string, string[]>();
let log = "";
let stack: LocalStack;

beforeAll(async () => {
  stack = await startLocalStack();
  await useTheServer();
  for (const { kind, value } of stack.entra.issued()) secrets.remember(`Entra ${kind}`, value);
  secrets.rememberSettings();
  await dumpTables();
  log = stack.log.join("\n");
}, 60_000);
afterAll(() => stack.stop());

/** Sign-in, calls, a refresh, a restart, another refresh, and a sign-in that is left half-way. */
async function useTheServer(): Promise<void> {
  const agent = new UserAgent(secrets.fetch);
  const provider = secrets.provider();
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
    const counts = secrets.counts();
    expect(counts).toMatchObject({
      "access token": 3,
      "refresh token": 3,
      "client's PKCE verifier": 1,
      "client's state": 1,
      // The client's and two of ours.
      "redirect's state": 3,
      // Ours and Entra's.
      "redirect's code": 2,
      "redirect's nonce": 2,
      "cookie dev-csrf": 1,
      "cookie dev-sign-in": 2,
      "Entra code": 1,
      LOCAL_KEY: 1,
      ENTRA_CLIENT_SECRET: 1,
    });
    for (const kind of ["access_token", "refresh_token", "id_token"]) {
      expect(counts[`Entra ${kind}`]).toBeGreaterThanOrEqual(1);
    }
  });

  it("every table holds rows, and the search finds what is stored in clear", () => {
    for (const name of TABLES) expect(tables.get(name)?.length).toBeGreaterThan(0);
    expect(tables.get("clients")?.join()).toContain("Test client");
    expect(log).toContain("token-refreshed");
  });

  it("no table holds any of them", () => {
    for (const [name, rows] of tables) {
      expect({ name, found: secrets.found(rows.join("\n")) }).toEqual({ name, found: [] });
    }
  });

  it("no log line holds any of them", () => {
    expect(secrets.found(log)).toEqual([]);
  });

  it("what is stored for refresh tokens, codes and states is their hash", () => {
    const sessions = tables.get("sessions")?.join() ?? "";
    const latest = secrets.of("refresh token").slice(-2);
    for (const token of latest) expect(sessions).toContain(hash(token));
    const handles = secrets.of("redirect's code").filter((code) => code.includes("."));
    const rows = [...(tables.get("codes") ?? []), ...(tables.get("transactions") ?? [])].join();
    const states = secrets.of("redirect's state");
    expect(handles.filter((code) => rows.includes(hash(code)))).toHaveLength(1);
    // Only the sign-in that was left half-way is still there.
    expect(states.filter((state) => rows.includes(hash(state)))).toHaveLength(1);
  });
});

function hash(value: string): string {
  return createHash("sha256").update(value).digest("base64url");
}
