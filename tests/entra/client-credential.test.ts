import type { TokenCredential } from "@azure/identity";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Config, loadConfig } from "../../shared/config.ts";
import {
  clientCredential,
  managedIdentityAssertion,
} from "../../shared/entra/client-credential.ts";
import { EntraError } from "../../shared/entra/entra.ts";
import { MsalEntra } from "../../shared/entra/msal-entra.ts";
import { APPLICATION, HOME_TENANT, MANAGED_IDENTITY } from "../../tools/entra/directory.ts";
import { signInAs } from "../../tools/entra/sign-in-as.ts";
import { type RunningEntra, startEntra } from "../../tools/entra/start-entra.ts";
import { createSessionParts, LOCAL_KEY } from "../support/parts.ts";
import { TestClock } from "../support/test-clock.ts";
import { pkce } from "../tools/entra/support.ts";

let standIn: RunningEntra;
let secretless: Config;
beforeAll(async () => {
  standIn = await startEntra({ port: 0 });
  vi.stubEnv("IDENTITY_ENDPOINT", `${standIn.url}/msi/token`);
  vi.stubEnv("IDENTITY_HEADER", MANAGED_IDENTITY.identityHeader);
  secretless = loadConfig({
    ENTRA_AUTHORITY_URL: standIn.url,
    GRAPH_BASE_URL: standIn.url,
    ENTRA_TENANT_ID: HOME_TENANT.id,
    ENTRA_CLIENT_ID: APPLICATION.clientId,
    AZURE_CLIENT_ID: MANAGED_IDENTITY.clientId,
    AzureWebJobsStorage: "UseDevelopmentStorage=true",
    LOCAL_KEY,
  });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await standIn.stop();
});

/** Remembers how long it was to sleep. */
class SleepClock extends TestClock {
  readonly slept: number[] = [];
  onSleep: () => void = () => undefined;

  override async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.onSleep();
  }
}

/** The adapter on the managed identity, and a code of Alice's for it. */
async function withCode(config = secretless) {
  const clock = new SleepClock();
  const { vault } = createSessionParts({ clock });
  const entra = new MsalEntra({ config, vault, clock });
  const { verifier, challenge } = pkce();
  const url = await entra.authorizationUrl({
    state: "s",
    nonce: "n",
    codeChallenge: challenge,
    graphScopes: ["User.Read"],
  });
  const code = (await signInAs(url, "alice")).searchParams.get("code") ?? "";
  const redemption = { code, codeVerifier: verifier, nonce: "n", graphScopes: ["User.Read"] };
  return { entra, redemption, vault, clock };
}

describe("without a client secret", () => {
  it("the managed identity's token proves who we are: sign-in and refresh", async () => {
    const { entra, redemption, vault } = await withCode();
    const { tokenCache } = await entra.redeemCode(redemption);
    await vault.write("session", tokenCache);
    await entra.confirm("session", ["User.Read"]);
    const assertions = standIn.issued().filter(({ kind }) => kind === "client_assertion");
    expect(assertions).not.toEqual([]);
  });

  it("the identity endpoint is asked once, not at every call", async () => {
    const { entra, redemption, vault } = await withCode();
    const { tokenCache } = await entra.redeemCode(redemption);
    await vault.write("session", tokenCache);
    const before = standIn.requests()["managedIdentity"];
    for (let n = 0; n < 3; n += 1) await entra.confirm("session", ["User.Read"]);
    expect(standIn.requests()["managedIdentity"]).toBe(before);
  });

  it("an identity that the app does not have is transient, with what to check in the log", async () => {
    const config = { ...secretless, azureClientId: APPLICATION.clientId };
    const { entra, redemption } = await withCode(config);
    const error: unknown = await entra.redeemCode(redemption).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EntraError);
    expect(error).toMatchObject({ kind: "transient" });
    expect(String((error as Error).cause)).toContain("AZURE_CLIENT_ID");
  });

  it("an identity endpoint that never answers is an outage, not a hang", async () => {
    const silent: TokenCredential = { getToken: () => new Promise(() => undefined) };
    await expect(managedIdentityAssertion(silent, 20)()).rejects.toThrow(EntraError);
  });
});

it("with a client secret the identity is not asked for anything", () => {
  const entra = { ...secretless.entra, clientSecret: APPLICATION.secret };
  const credential = clientCredential({ ...secretless, entra });
  expect(credential).toEqual({ clientSecret: APPLICATION.secret });
});

describe("a federated credential that Entra's servers have not all seen", () => {
  it.each([700211, 700213] as const)(
    "AADSTS%i is tried again, with the same code",
    async (number) => {
      const { entra, redemption, clock } = await withCode();
      standIn.set({ tokenFault: number });
      clock.onSleep = () => standIn.set({ tokenFault: null });
      expect(await entra.redeemCode(redemption)).toHaveProperty("identity");
      expect(clock.slept).toHaveLength(1);
    },
  );

  it("is given up after a few seconds, as transient", async () => {
    const { entra, redemption, clock } = await withCode();
    standIn.set({ tokenFault: 700213 });
    const attempt = entra.redeemCode(redemption);
    await expect(attempt).rejects.toMatchObject({ kind: "transient", code: "AADSTS700213" });
    standIn.set({ tokenFault: null });
    expect(clock.slept.length).toBeGreaterThan(0);
    expect(clock.slept.reduce((a, b) => a + b)).toBeLessThan(5_000);
  });

  it("other faults are not tried again", async () => {
    const { entra, redemption, clock } = await withCode();
    standIn.set({ tokenFault: 7000222 });
    await expect(entra.redeemCode(redemption)).rejects.toMatchObject({ kind: "configuration" });
    standIn.set({ tokenFault: null });
    expect(clock.slept).toEqual([]);
  });
});
