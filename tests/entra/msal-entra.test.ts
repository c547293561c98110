import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Config, loadConfig } from "../../shared/config.ts";
import { type Entra, EntraError } from "../../shared/entra/entra.ts";
import { MsalEntra } from "../../shared/entra/msal-entra.ts";
import { StorageUnavailable } from "../../shared/storage/store.ts";
import { ACCOUNTS, APPLICATION, HOME_TENANT } from "../../tools/entra/directory.ts";
import { signInAs } from "../../tools/entra/sign-in-as.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import type { SwitchSettings } from "../../tools/entra/switches.ts";
import { createSessionParts, LOCAL_KEY, type Parts } from "../support/parts.ts";
import { pkce } from "../tools/entra/support.ts";

const GRAPH_SCOPES = ["User.Read"];

let standIn: RunningEntra;
let config: Config;
let parts: Parts;
let entra: Entra;
beforeAll(async () => {
  standIn = await startEntra({ port: 0 });
  config = loadConfig({
    ENTRA_AUTHORITY_URL: standIn.url,
    GRAPH_BASE_URL: standIn.url,
    ENTRA_TENANT_ID: HOME_TENANT.id,
    ENTRA_CLIENT_ID: APPLICATION.clientId,
    ENTRA_CLIENT_SECRET: APPLICATION.secret,
    AzureWebJobsStorage: "UseDevelopmentStorage=true",
    LOCAL_KEY,
  });
});
afterAll(() => standIn.stop());
beforeEach(() => {
  parts = createSessionParts();
  entra = new MsalEntra({ config, vault: parts.vault, clock: parts.clock });
});
afterEach(() => standIn.reset());

async function codeFor(account: "alice" | "bob" | "admin", nonce = "nonce-1") {
  const { verifier, challenge } = pkce();
  const url = await entra.authorizationUrl({
    state: "state-1",
    nonce,
    codeChallenge: challenge,
    graphScopes: GRAPH_SCOPES,
  });
  const back = await signInAs(url, account);
  return { url: new URL(url), code: back.searchParams.get("code") ?? "", verifier };
}

async function signIn(sessionId: string, account: "alice" | "bob" | "admin" = "alice") {
  const { code, verifier } = await codeFor(account);
  const redemption = { code, codeVerifier: verifier, nonce: "nonce-1", graphScopes: GRAPH_SCOPES };
  const { identity, tokenCache } = await entra.redeemCode(redemption);
  await parts.vault.write(sessionId, tokenCache);
  return { identity, redemption };
}

async function failure(attempt: Promise<unknown>): Promise<EntraError> {
  const error: unknown = await attempt.then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  if (error instanceof EntraError) return error;
  throw new Error("not an EntraError", { cause: error });
}

/** Whose mail address Graph tells with the session's token. */
async function mail(sessionId: string): Promise<string> {
  const authorization = `Bearer ${await entra.graphToken(sessionId, GRAPH_SCOPES)}`;
  const response = await fetch(`${standIn.url}/v1.0/me`, { headers: { authorization } });
  return ((await response.json()) as { mail: string }).mail;
}

describe("signing in", () => {
  it("sends the person to Entra with our redirect URI, state, nonce and S256, and no resource", async () => {
    const { url } = await codeFor("alice");
    expect(url.href).toContain(`${standIn.url}/${HOME_TENANT.id}/oauth2/v2.0/authorize?`);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      redirect_uri: "http://localhost:7071/callback",
      state: "state-1",
      nonce: "nonce-1",
      code_challenge_method: "S256",
      scope: expect.stringContaining("User.Read") as string,
    });
    expect(url.searchParams.has("resource")).toBe(false);
    expect(url.searchParams.has("prompt")).toBe(false);
  });

  it("says who has signed in, with their app roles", async () => {
    expect((await signIn("s1", "admin")).identity).toEqual({
      tenantId: HOME_TENANT.id,
      objectId: ACCOUNTS.admin.profile.id,
      roles: ["Mcp.Admin"],
    });
  });

  it("refuses a tenant that is not allowed", async () => {
    const allowedTenants = ["a7d2e4b8-3c19-4f56-9e07-6b8c5d1f2a43"];
    const strict = { ...config, entra: { ...config.entra, allowedTenants } };
    entra = new MsalEntra({ config: strict, vault: parts.vault, clock: parts.clock });
    expect((await failure(signIn("s1"))).kind).toBe("blocked");
  });

  it("refuses the ID token of another sign-in (its nonce)", async () => {
    const { code, verifier } = await codeFor("alice", "nonce-of-somebody-else");
    const redemption = { code, codeVerifier: verifier, nonce: "nonce-1", graphScopes: [] };
    const attempt = entra.redeemCode(redemption);
    await expect(attempt).rejects.toThrow(EntraError);
  });

  it("calls a code that was redeemed before by its name", async () => {
    const { redemption } = await signIn("s1");
    const error = await failure(entra.redeemCode(redemption));
    expect(error).toMatchObject({ kind: "code-redeemed", code: "AADSTS54005" });
  });
});

describe("a token for Graph", () => {
  it("comes from the session's cache: no request to Entra, on any instance", async () => {
    await signIn("s1");
    const first = await entra.graphToken("s1", GRAPH_SCOPES);
    standIn.reset();
    const other = createSessionParts({ store: parts.store });
    const elsewhere = new MsalEntra({ config, vault: other.vault, clock: other.clock });
    expect(await elsewhere.graphToken("s1", GRAPH_SCOPES)).toBe(first);
    expect(standIn.requests()["token.refresh_token"]).toBeUndefined();
  });

  it("is renewed where the caller says that Graph refused it, and the new one is kept", async () => {
    await signIn("s1");
    const first = await entra.graphToken("s1", GRAPH_SCOPES);
    const renewed = await entra.graphToken("s1", GRAPH_SCOPES, { renew: true });
    expect(renewed).not.toBe(first);
    expect(standIn.requests()["token.refresh_token"]).toBe(1);
    expect(await entra.graphToken("s1", GRAPH_SCOPES)).toBe(renewed);
  });

  it("is the session's own person's, however many are signed in", async () => {
    await signIn("of-alice", "alice");
    await signIn("of-bob", "bob");
    expect(await mail("of-alice")).toBe("alice@contoso.example");
    expect(await mail("of-bob")).toBe("bob@contoso.example");
  });

  it("is session-over for a session that Entra has no sign-in of", async () => {
    expect((await failure(entra.graphToken("never", GRAPH_SCOPES))).kind).toBe("session-over");
    await signIn("s1");
    await parts.vault.erase("s1");
    expect((await failure(entra.graphToken("s1", GRAPH_SCOPES))).kind).toBe("session-over");
  });

  it.each<[Partial<SwitchSettings>, string, string | undefined]>([
    [{ consentRequired: ["alice"] }, "consent-required", "AADSTS65001"],
    [{ mfaRequired: ["alice"] }, "interaction-required", "AADSTS50076"],
    [{ refreshTokensExpired: ["alice"] }, "session-over", "AADSTS700082"],
    [{ refreshTokensRevoked: ["alice"] }, "session-over", "AADSTS50173"],
    [{ userDisabled: ["alice"] }, "blocked", "AADSTS50057"],
    [{ policyBlocked: ["alice"] }, "blocked", "AADSTS53003"],
    [{ tokenFault: 7000222 }, "configuration", "AADSTS7000222"],
    [{ tokenFault: 7000215 }, "configuration", "AADSTS7000215"],
    [{ tokenFault: 50033 }, "transient", "AADSTS50033"],
    [{ throttled: ["token"] }, "transient", "AADSTS90033"],
    [{ serverError: ["token"] }, "transient", undefined],
    [{ down: true }, "transient", undefined],
  ])("with the stand-in at %j fails as %s", async (switches, kind, code) => {
    await signIn("s1");
    standIn.set(switches);
    const error = await failure(entra.graphToken("s1", GRAPH_SCOPES, { renew: true }));
    expect(error).toMatchObject({ kind, code });
  });

  it("keeps Entra's number and trace id for the log, and none of its words, which can name people", async () => {
    await signIn("s1");
    standIn.set({ tokenFault: 50020 });
    const { cause } = await failure(entra.graphToken("s1", GRAPH_SCOPES, { renew: true }));
    expect(String(cause)).toMatch(
      /^Error: Entra answered invalid_grant, AADSTS50020, trace [\da-f-]{36}$/,
    );
  });

  it("does not blame Entra when storage is away", async () => {
    await signIn("s1");
    parts.store.down = true;
    const attempt = entra.graphToken("s1", GRAPH_SCOPES);
    await expect(attempt).rejects.toThrow(StorageUnavailable);
  });
});

describe("an outage of Entra", () => {
  it("is transient, and over as soon as Entra is back", async () => {
    standIn.set({ down: true });
    expect((await failure(codeFor("alice"))).kind).toBe("transient");
    standIn.set({ down: false });
    expect((await signIn("s1")).identity.objectId).toBe(ACCOUNTS.alice.profile.id);
  });

  it("does not touch a sign-in whose tokens are in the cache", async () => {
    await signIn("s1");
    standIn.set({ down: true });
    expect(await entra.graphToken("s1", GRAPH_SCOPES)).not.toBe("");
  });
});
