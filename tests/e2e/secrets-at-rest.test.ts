import { createHash } from "node:crypto";
import { TableClient, TableServiceClient } from "@azure/data-tables";
import { auth } from "@modelcontextprotocol/sdk/client/auth.js";
import type { OAuthTokens } from "@modelcontextprotocol/sdk/shared/auth.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../tools/stack/command-line.ts";
import { planLocalStack, SAMPLE } from "../../tools/stack/local-settings.ts";
import { crashAndRestart } from "../support/crash.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { connectAs, reconnect, TestProvider } from "../support/sdk-client.ts";
import { approve } from "../support/sign-in.ts";
import { type Fetch, UserAgent } from "../support/user-agent.ts";

/** Others may come; all that are there are searched. */
const TABLES = ["clients", "codes", "keys", "sessions", "settings", "transactions", "vault"];

/** Every secret of the run, by what it is. */
const secrets = new Map<string, Set<string>>();
/** Every entity of every table, as JSON. */
const tables = new Map<string, string[]>();
let log = "";
let stack: LocalStack;

beforeAll(async () => {
  stack = await startLocalStack();
  await useTheServer();
  for (const { kind, value } of stack.entra.issued()) remember(`Entra ${kind}`, value);
  const { values } = planLocalStack(ROOT, {}, {}, SAMPLE);
  for (const name of ["LOCAL_KEY", "ENTRA_CLIENT_SECRET"]) remember(name, values[name]);
  await dumpTables();
  log = stack.log.join("\n");
}, 60_000);
afterAll(() => stack.stop());

/** Sign-in, calls, a refresh, a restart, another refresh, and a sign-in that is left half-way. */
async function useTheServer(): Promise<void> {
  const agent = new UserAgent(recordingFetch);
  const provider = new RecordingProvider();
  remember("client's state", provider.state());
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

class RecordingProvider extends TestProvider {
  override saveTokens(tokens: OAuthTokens): void {
    remember("access token", tokens.access_token);
    remember("refresh token", tokens.refresh_token);
    super.saveTokens(tokens);
  }
  override saveCodeVerifier(verifier: string): void {
    remember("client's PKCE verifier", verifier);
    super.saveCodeVerifier(verifier);
  }
}

/** Keeps what a redirect carries (codes, our state and nonce) and what the browser's cookies hold. */
async function recordingFetch(...[url, init]: Parameters<Fetch>): Promise<Response> {
  const response = await fetch(url, init);
  const target = response.headers.get("location");
  if (target !== null) {
    for (const [name, value] of new URL(target).searchParams) {
      if (["code", "state", "nonce"].includes(name)) remember(`redirect's ${name}`, value);
    }
  }
  for (const cookie of response.headers.getSetCookie()) {
    const [name = "", value] = (cookie.split(";")[0] ?? "").split("=");
    if (value !== "") remember(`cookie ${name.replace(/-[\w-]{16}$/, "")}`, value);
  }
  return response;
}

function remember(kind: string, value: string | undefined): void {
  if (value === undefined) throw new Error(`no ${kind}`);
  secrets.set(kind, (secrets.get(kind) ?? new Set()).add(value));
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

/** The value itself, and what it looks like in a URL, in base64 and in hex. */
function disguises(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = bytes.toString("base64").replaceAll("=", "");
  return [
    value,
    encodeURIComponent(value),
    base64,
    base64.replaceAll("+", "-").replaceAll("/", "_"),
    bytes.toString("hex"),
  ];
}

function found(text: string): string[] {
  return [...secrets].flatMap(([kind, values]) =>
    [...values].some((value) => disguises(value).some((disguise) => text.includes(disguise)))
      ? [kind]
      : [],
  );
}

describe("after sign-in, calls, refreshes and a restart", () => {
  it("the run used every kind of secret that there is", () => {
    const counts = Object.fromEntries([...secrets].map(([kind, { size }]) => [kind, size]));
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
      expect({ name, found: found(rows.join("\n")) }).toEqual({ name, found: [] });
    }
  });

  it("no log line holds any of them", () => {
    expect(found(log)).toEqual([]);
  });

  it("what is stored for refresh tokens, codes and states is their hash", () => {
    const sessions = tables.get("sessions")?.join() ?? "";
    const latest = [...(secrets.get("refresh token") ?? [])].slice(-2);
    for (const token of latest) expect(sessions).toContain(hash(token));
    const handles = [...(secrets.get("redirect's code") ?? [])].filter((code) =>
      code.includes("."),
    );
    const rows = [...(tables.get("codes") ?? []), ...(tables.get("transactions") ?? [])].join();
    const states = [...(secrets.get("redirect's state") ?? [])];
    expect(handles.filter((code) => rows.includes(hash(code)))).toHaveLength(1);
    // Only the sign-in that was left half-way is still there.
    expect(states.filter((state) => rows.includes(hash(state)))).toHaveLength(1);
  });
});

function hash(value: string): string {
  return createHash("sha256").update(value).digest("base64url");
}
