import {
  ConfidentialClientApplication,
  CryptoProvider,
  InteractionRequiredAuthError,
  ManagedIdentityApplication,
} from "@azure/msal-node";
import type { NodeAuthOptions } from "@azure/msal-node";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { APPLICATION, HOME_TENANT, MANAGED_IDENTITY } from "../../../tools/entra/directory.ts";
import { PUBLISHER, PUBLISHER_IDENTITY } from "../../../tools/entra/service-principals.ts";
import { signInAs } from "../../../tools/entra/sign-in-as.ts";
import { startEntra } from "../../../tools/entra/start-entra.ts";
import type { RunningEntra } from "../../../tools/entra/start-entra.ts";
import { claimsOf, graph, REDIRECT_URI } from "./support.ts";

const SCOPES = ["User.Read", "Calendars.Read"];

let entra: RunningEntra;
beforeAll(async () => {
  entra = await startEntra({ port: 0 });
});
afterEach(() => {
  entra.reset();
  vi.unstubAllEnvs();
});
afterAll(() => entra.stop());

/** MSAL as the product configures it: an https authority, and the http endpoints as metadata. */
async function application(
  credential: Partial<NodeAuthOptions>,
  clientId: string = APPLICATION.clientId,
) {
  const { host } = new URL(entra.url);
  const discovery = `${entra.url}/${HOME_TENANT.id}/v2.0/.well-known/openid-configuration`;
  const authorityMetadata = await (await fetch(discovery)).text();
  entra.reset();
  return new ConfidentialClientApplication({
    auth: {
      clientId,
      authority: `https://${host}/${HOME_TENANT.id}`,
      knownAuthorities: [host],
      authorityMetadata,
      cloudDiscoveryMetadata: JSON.stringify({
        tenant_discovery_endpoint: discovery,
        metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }],
      }),
      clientCapabilities: ["cp1"],
      ...credential,
    },
  });
}

async function signIn(msal: ConfidentialClientApplication, claims?: string) {
  const { verifier, challenge } = await new CryptoProvider().generatePkceCodes();
  const url = await msal.getAuthCodeUrl({
    scopes: SCOPES,
    redirectUri: REDIRECT_URI,
    codeChallenge: challenge,
    codeChallengeMethod: "S256",
    state: "state-1",
    nonce: "nonce-1",
    ...(claims && { claims }),
  });
  expect(url.startsWith(`${entra.url}/${HOME_TENANT.id}/oauth2/v2.0/authorize?`)).toBe(true);
  const target = await signInAs(url, "alice");
  expect(target.searchParams.get("state")).toBe("state-1");
  return msal.acquireTokenByCode({
    code: target.searchParams.get("code") ?? "",
    scopes: SCOPES,
    redirectUri: REDIRECT_URI,
    codeVerifier: verifier,
    nonce: "nonce-1",
  });
}

async function renew(msal: ConfidentialClientApplication, forceRefresh: boolean) {
  const [account] = await msal.getTokenCache().getAllAccounts();
  expect(account?.homeAccountId).toBe(`3b1f6d0a-5c27-4e8b-9a14-7d60c2e5f811.${HOME_TENANT.id}`);
  return account && msal.acquireTokenSilent({ account, scopes: SCOPES, forceRefresh });
}

describe("MSAL's confidential client", () => {
  it("signs in, is served from its cache, refreshes, and asks for nothing else", async () => {
    const msal = await application({ clientSecret: APPLICATION.secret });
    const first = await signIn(msal);
    expect(first.account?.username).toBe("alice@contoso.example");
    expect(first.fromCache).toBe(false);
    expect((await graph(entra, "/me", first.accessToken)).status).toBe(200);

    expect((await renew(msal, false))?.fromCache).toBe(true);
    const refreshed = await renew(msal, true);
    expect(refreshed?.fromCache).toBe(false);
    expect(refreshed?.accessToken).not.toBe(first.accessToken);
    expect(entra.requests()).toEqual({
      authorize: 1,
      "graph.me": 1,
      signIn: 1,
      "token.authorization_code": 1,
      "token.refresh_token": 1,
    });
  });

  it.each([
    ["mfaRequired", "basic_action"],
    ["consentRequired", "consent_required"],
    ["policyBlocked", "message_only"],
  ] as const)("sees %s as interaction required", async (name, subError) => {
    const msal = await application({ clientSecret: APPLICATION.secret });
    await signIn(msal);
    entra.set({ [name]: ["alice"] });
    const failure: unknown = await renew(msal, true).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InteractionRequiredAuthError);
    expect(failure).toMatchObject({ subError });
  });

  it("sees a wrong secret as invalid_client", async () => {
    const msal = await application({ clientSecret: "wrong" });
    await expect(signIn(msal)).rejects.toMatchObject({ errorCode: "invalid_client" });
  });

  it("is challenged by Graph because it declares cp1, and signs in again with the claims", async () => {
    const msal = await application({ clientSecret: APPLICATION.secret });
    const { accessToken } = await signIn(msal);
    entra.set({ claimsChallenge: ["alice"] });
    const challenged = await graph(entra, "/me", accessToken);
    const header = challenged.headers.get("www-authenticate") ?? "";
    const encoded = /claims="([^"]+)"/.exec(header)?.[1] ?? "";
    const claims = Buffer.from(encoded, "base64").toString();
    const without = await signIn(msal);
    expect((await graph(entra, "/me", without.accessToken)).status).toBe(401);
    const again = await signIn(msal, claims);
    expect((await graph(entra, "/me", again.accessToken)).status).toBe(200);
  });
});

describe("MSAL's client credentials", () => {
  it.each([
    ["a secret", { clientSecret: PUBLISHER.secret }, "1"],
    ["its managed identity's token", { clientAssertion: () => publisherAssertion() }, "2"],
  ])("give a program a token with %s", async (_what, credential, azpacr) => {
    const msal = await application(credential, PUBLISHER.clientId);
    const answer = await msal.acquireTokenByClientCredential({
      scopes: [`${APPLICATION.clientId}/.default`],
    });
    expect(claimsOf(answer?.accessToken ?? "")).toMatchObject({
      azp: PUBLISHER.clientId,
      azpacr,
      roles: ["Mcp.Publish"],
    });
  });
});

const identityToken = async (clientId: string, resource: string) => {
  vi.stubEnv("IDENTITY_ENDPOINT", `${entra.url}/msi/token`);
  vi.stubEnv("IDENTITY_HEADER", MANAGED_IDENTITY.identityHeader);
  const identity = new ManagedIdentityApplication({
    managedIdentityIdParams: { userAssignedClientId: clientId },
  });
  const { accessToken } = await identity.acquireToken({ resource, forceRefresh: true });
  return accessToken;
};

const assertionOf = () => identityToken(MANAGED_IDENTITY.clientId, "api://AzureADTokenExchange");

const publisherAssertion = () =>
  identityToken(PUBLISHER_IDENTITY.clientId, "api://AzureADTokenExchange");

const askForAssertion = async (
  parameters: Record<string, string>,
  header: string = MANAGED_IDENTITY.identityHeader,
) => {
  const url = new URL(`${entra.url}/msi/token`);
  url.search = new URLSearchParams({
    "api-version": "2019-08-01",
    resource: "api://AzureADTokenExchange",
    ...parameters,
  }).toString();
  return (await fetch(url, { headers: { "x-identity-header": header } })).status;
};

describe("a managed identity in place of the secret", () => {
  it("signs in and refreshes with its token as client assertion", async () => {
    const msal = await application({ clientAssertion: assertionOf });
    await signIn(msal);
    expect((await renew(msal, true))?.fromCache).toBe(false);
    expect(entra.requests()["managedIdentity"]).toBeGreaterThan(0);
  });

  it("gets a token for our application, with the roles that the identity was given", async () => {
    const publisher = claimsOf(
      await identityToken(PUBLISHER_IDENTITY.clientId, APPLICATION.clientId),
    );
    expect(publisher).toMatchObject({
      aud: APPLICATION.clientId,
      iss: `${entra.url}/${HOME_TENANT.id}/v2.0`,
      azp: PUBLISHER_IDENTITY.clientId,
      azpacr: "2",
      idtyp: "app",
      oid: PUBLISHER_IDENTITY.principalId,
      roles: ["Mcp.Publish"],
    });
    const own = claimsOf(await identityToken(MANAGED_IDENTITY.clientId, APPLICATION.clientId));
    expect(own["oid"]).toBe(MANAGED_IDENTITY.principalId);
    expect(own).not.toHaveProperty("roles");
  });

  it("gets no token without the right header, for another identity or another resource", async () => {
    expect(await askForAssertion({})).toBe(200);
    expect(await askForAssertion({}, "wrong")).toBe(401);
    expect(await askForAssertion({ client_id: APPLICATION.clientId })).toBe(400);
    expect(await askForAssertion({ resource: "https://graph.microsoft.com" })).toBe(400);
    expect(await askForAssertion({ resource: `api://${APPLICATION.clientId}` })).toBe(400);
    expect(await askForAssertion({ "api-version": "2017-09-01" })).toBe(400);
  });
});
